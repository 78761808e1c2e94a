"""Alembic: the tables' history, one file per change, named by date."""

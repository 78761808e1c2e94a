"""The checks, one module a group. Each says what it needs; what is not there makes it not applicable."""

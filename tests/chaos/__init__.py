"""Seeded runs over real processes: random cases, random ends, random faults, and then the books of all provinces."""

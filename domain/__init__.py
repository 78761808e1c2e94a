"""The rules, pure: cases, clocks, plans, money, identifiers. No I/O, no Temporal, no database."""

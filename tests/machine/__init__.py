"""Random commands through the API over a Temporal whose time is turned; the invariants are checked on every case."""

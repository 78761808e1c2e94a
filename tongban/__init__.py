"""The front door: ``python -m tongban``, settings, wiring, worker roles, the embedded stack."""

"""Durable orchestration only: what waits for what. The rules are in ``domain.process``; effects are activities."""

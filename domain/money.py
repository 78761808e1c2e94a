"""Money is whole fen; people, platforms and papers read yuan with two decimals. The one place that writes them."""

from __future__ import annotations


def yuan(fen: int) -> str:
    """An amount as it is written: 80000 -> "800.00", -1 -> "-0.01"."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02}"

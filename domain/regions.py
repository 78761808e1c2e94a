"""GB/T 2260 codes: what a code covers. 320000 covers all of Jiangsu, 320500 all of Suzhou, 320509 only itself."""

from __future__ import annotations


def prefix_of(region: str) -> str:
    """The digits that every code inside a region begins with."""
    if region.endswith("0000"):
        return region[:2]
    return region[:4] if region.endswith("00") else region


def covers(region: str, other: str) -> bool:
    """Whether ``other`` lies in ``region``."""
    return other.startswith(prefix_of(region))

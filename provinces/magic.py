"""Magic values that hold for every service: characters 15 and 16 of the number a request is about, 80 to 88.

91 to 98 belong to single services and stand beside their operations. What happens to the answer is what the fault of
the same name does, so a mark is a fault that needs no switch.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from provinces.faults import Fault

APPROVED = "80"
"""An ordinary outcome, for certain."""
WANTS = "81"
DOWN = "83"
TWICE = "86"
CONTRADICTED = "87"

TAKE_TIME = frozenset({WANTS, TWICE, CONTRADICTED})
"""In progress first, whatever the service: otherwise there would be nothing to hand in or to call back about."""

ANSWERS: Mapping[str, Fault] = MappingProxyType(
    {
        "82": Fault(0, "slow", seconds=30.0),
        "84": Fault(0, "garbage"),
        "85": Fault(0, "timeout", seconds=60.0),
    }
)
"""Played when something is done for the first time; whoever comes again or searches gets a plain answer."""

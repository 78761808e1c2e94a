"""Provinces that all tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pytest

from tests.conformance.places import DIALECTS, Process


class Tiny(Protocol):
    """The scaffold's province."""

    url: str


@pytest.fixture(scope="session")
def provinces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Region -> address. All four start side by side."""
    started = {region: Process(region, tmp_path_factory.mktemp(region)) for region in DIALECTS.values()}
    try:
        yield {region: process.wait() for region, process in started.items()}
    finally:
        for process in started.values():
            process.stop()


@pytest.fixture(scope="session")
def tiny() -> Iterator[Tiny]:
    """The province that comes with a scaffold."""
    from tests.conformance.faulty import honest_province

    with honest_province() as province:
        yield province

"""What several rooms of tests share lies in tests/fixtures; the rooms' own fixtures beside them."""

import pytest

pytest_plugins = ["tests.fixtures.databases", "tests.fixtures.houses", "tests.fixtures.running"]

LONGEST_FIRST = ("e2e", "chaos", "chaos-medical", "stack", "machine", "temporal")
"""Groups of tests that share a stack run one after the other: the long ones begin first, and the rest fills up."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which workers take groups, the same in every worker."""

    def rank(item: pytest.Item) -> int:
        mark = item.get_closest_marker("xdist_group")
        group = mark.args[0] if mark else ""
        return LONGEST_FIRST.index(group) if group in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=rank)

"""The insurance platforms of tests/insurance, one set for this folder."""

from tests.insurance.conftest import shared_town, somebody, town

__all__ = ["shared_town", "somebody", "town"]

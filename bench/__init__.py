"""Measurements. Never part of the tests: a machine's speed is not a property of the product."""

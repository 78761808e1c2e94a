"""What several rooms of tests share lies in tests/fixtures; the rooms' own fixtures beside them."""

pytest_plugins = ["tests.fixtures.databases", "tests.fixtures.houses", "tests.fixtures.running"]

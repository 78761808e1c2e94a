"""The contract that others build on is written down, and it is the one that is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.openapi import canonical, document
from tests.fixtures.houses import Office

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
METHODS = {"get", "put", "post", "delete", "patch"}
OPERATIONS = {
    f"{method} {path}": operation
    for path, item in document()["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
NO_LOGIN = {
    "listServices",
    "getService",
    "precheck",
    "previewDeadline",
    "verifyLicence",
    "healthz",
    "readyz",
    "metrics",
}


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return dict(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return schema


def test_the_written_contract_is_the_served_one() -> None:
    assert FILE.read_text(encoding="utf-8") == canonical(), "run: python -m api.openapi > docs/openapi.json"


async def test_the_api_serves_it(office: Office) -> None:
    assert (await office.caller().get("/openapi.json")).json() == document()


@pytest.mark.parametrize("name", [n for n, o in OPERATIONS.items() if "application/json" in str(o.get("requestBody"))])
def test_an_operation_with_a_body_shows_an_example_of_it(name: str) -> None:
    schema = resolve(OPERATIONS[name]["requestBody"]["content"]["application/json"]["schema"])
    assert schema["example"]
    for one in (resolve(variant) for variant in schema.get("oneOf", [schema])):
        assert one["additionalProperties"] is False


@pytest.mark.parametrize("name", [n for n, o in OPERATIONS.items() if n.startswith(("post", "put")) or "{" in n])
def test_an_operation_tells_how_it_can_fail(name: str) -> None:
    operation = OPERATIONS[name]
    expected = {"422"}
    if operation["operationId"] not in NO_LOGIN:
        expected |= {"401", "503"}
    if "{" in name:
        expected |= {"404"}
    assert expected <= set(operation["responses"]), operation["responses"].keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_a_stable_name_and_says_what_it_does(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["operationId"].isalpha()
    assert len(operation["description"]) > 15
    assert all("HTTPValidationError" not in str(answer) for answer in operation["responses"].values())


def test_no_two_operations_have_the_same_name() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))

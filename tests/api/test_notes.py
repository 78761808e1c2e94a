"""Private notes never leave their department, and are never changed."""

from __future__ import annotations

import asyncpg
import pytest

from tests.api.test_problems import is_problem
from tests.fixtures.databases import Cluster
from tests.fixtures.houses import Office


async def test_a_private_note_is_read_by_its_own_department_and_nobody_else(office: Office) -> None:
    citizen, clerk, colleague = office.citizen(), office.market(), office.market()
    no = await citizen.submit()
    path = f"/v1/cases/{no}/notes"
    canary = "与申请人电话核实：房东自用"
    assert (await clerk.post(path, json={"text": canary})).status_code == 201
    assert [(n["text"], n["mine"]) for n in (await colleague.get(path)).json()["notes"]] == [(canary, False)]
    assert (await office.login("caseworker", "340100", "tax").get(path)).json()["notes"] == []
    for other in (citizen, office.login("coordinator"), office.login("auditor")):
        is_problem(await other.get(path), 403, "forbidden")
        is_problem(await other.post(path, json={"text": "x"}), 403, "forbidden")
    for reader in (citizen, clerk):
        for place in ("", "/events", "/messages", "/notices", "/results"):
            assert canary not in (await reader.get(f"/v1/cases/{no}{place}")).text


async def test_a_note_is_never_changed(office: Office, cluster: Cluster, database_name: str) -> None:
    citizen, clerk = office.citizen(), office.market()
    no = await citizen.submit()
    await clerk.post(f"/v1/cases/{no}/notes", json={"text": "one"})
    connection = await cluster.connect(database_name)
    try:
        for statement in ("UPDATE note SET text = 'two'", "DELETE FROM note"):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute(statement)
    finally:
        await connection.close()

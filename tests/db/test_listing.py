"""Lists of cases: each filter gives exactly its cases, pages neither skip nor repeat, text means text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from domain.case import CaseStatus
from domain.record import Who
from models.database import Database
from models.listing import Filters, Scope, list_cases, takes_part
from tests.fixtures.samples import NOW, add_case, view

ALL = Scope(everything=True)
TEMPTING = ["100%示例有限公司", "下_划线公司", "反\\斜杠公司", "苏州Example有限公司", "𠮷田（上海）有限公司"]


async def found(database: Database, scope: Scope = ALL, **filters: object) -> Sequence[str]:
    async with database.begin() as session:
        rows = await list_cases(session, scope, Filters.model_validate(filters))
    return [row.no for row in rows]


async def test_each_filter_gives_exactly_its_cases(database: Database) -> None:
    past, future = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
    waiting = view(CaseStatus.RECEIVED, who=Who.APPLICANT, region="", why="evidence_preview", due_at=future)
    late = view(CaseStatus.UNDER_REVIEW, who=Who.PROVINCE, region="340100", why="province_asked", due_at=past)
    closed = view(CaseStatus.COMPLETED, due_at=past, closed_at=NOW)
    mine = await add_case(database, owner="me", shown=waiting)
    overdue = await add_case(database, shown=late, origin_city="340200")
    done = await add_case(database, shown=closed, service="OTHER", destination_city="320100")
    fresh = await add_case(database, destination_city="310115")

    async def only(expected: set[str], scope: Scope = ALL, **filters: object) -> None:
        assert set(await found(database, scope, **filters)) == expected, filters

    await only({mine, overdue, done, fresh})
    await only({mine}, Scope(owner="me"))
    await only(set(), Scope(owner="m"))
    await only({done}, service="OTHER")
    await only({overdue}, status="under_review")
    await only({overdue}, overdue=True)
    await only({mine, done, fresh}, overdue=False)
    await only({mine}, waiting_on="applicant")
    await only({overdue}, waiting_on="province:340000")
    await only({overdue}, waiting_on="province:340100")
    await only(set(), waiting_on="province:340200")
    await only(set(), waiting_on="province:320000")
    await only({overdue}, region="340200")
    await only({mine, overdue}, region="320500")
    await only({mine, overdue, done}, region="320000")
    await only({fresh}, region="310115")
    await only({overdue}, region="320000", overdue=True, status="under_review")


async def test_a_department_lists_the_cases_it_takes_part_in_and_no_others(database: Database) -> None:
    suzhou = await add_case(database)
    nanjing = await add_case(database, destination_city="320100")

    async def cases(region: str, department: str, *, exact: bool) -> set[str]:
        return set(await found(database, Scope(region=region, department=department, exact=exact)))

    assert await cases("320500", "market_regulation", exact=True) == {suzhou}
    assert await cases("320000", "market_regulation", exact=True) == set()
    assert await cases("320000", "market_regulation", exact=False) == {suzhou, nanjing}
    assert await cases("320500", "tax", exact=False) == set()
    assert await cases("340100", "tax", exact=True) == {suzhou, nanjing}
    assert await cases("310000", "market_regulation", exact=False) == set()


async def test_what_one_may_open_is_what_one_may_list(database: Database) -> None:
    no = await add_case(database)
    regions = ["320500", "320000", "320100", "310000", "340100", "340000", "340123"]
    for region, department, exact in product(regions, ["market_regulation", "tax", "big_data"], [True, False]):
        scope = Scope(region=region, department=department, exact=exact)
        async with database.begin() as session:
            assert await takes_part(session, no, scope) == (no in await found(database, scope)), scope


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
async def test_pages_neither_skip_nor_repeat_also_among_equal_times(database: Database, size: int) -> None:
    times = [
        NOW,
        NOW,
        NOW,
        NOW,
        NOW + timedelta(microseconds=1),
        NOW + timedelta(seconds=1),
        NOW + timedelta(seconds=1),
    ]
    numbers = [await add_case(database, at=at) for at in times]
    seen: list[str] = []
    after = None
    for _ in range(20):
        async with database.begin() as session:
            rows = await list_cases(session, ALL, Filters(limit=size, after=after))
        seen += [row.no for row in rows[:size]]
        if len(rows) <= size:
            break
        after = (rows[size - 1].created_at, rows[size - 1].no)
    assert sorted(seen) == sorted(numbers)
    assert len(seen) == len(set(seen))
    assert seen == sorted(numbers, key=lambda no: (times[numbers.index(no)], no), reverse=True)


async def test_a_case_that_comes_in_while_somebody_turns_pages_disturbs_nothing(database: Database) -> None:
    numbers = [await add_case(database, at=NOW + timedelta(seconds=n)) for n in range(4)]
    async with database.begin() as session:
        first = await list_cases(session, ALL, Filters(limit=2))
    await add_case(database, at=NOW + timedelta(hours=1))
    async with database.begin() as session:
        rest = await list_cases(session, ALL, Filters(limit=2, after=(first[1].created_at, first[1].no)))
    assert [row.no for row in (*first[:2], *rest[:2])] == numbers[::-1]


WORDS: list[tuple[str, set[int]]] = [
    ("有限公司", {0, 3, 4}),
    ("示例", {0}),
    ("%", {0}),
    ("100%", {0}),
    ("0%示", {0}),
    ("_", {1}),
    ("下_划", {1}),
    ("\\", {2}),
    ("\\斜", {2}),
    ("州E", {3}),
    ("EXAMPLE", {3}),
    ("𠮷", {4}),
    ("𠮷田", {4}),
    ("（上海）", {4}),
    ("公", {0, 1, 2, 3, 4}),
    ("司公", set()),
    ("有公司", set()),
    ("%%", set()),
    ("__", set()),
    ("'; DROP TABLE cases; --", set()),
    ("0 示例", set()),
]


async def test_text_is_found_as_it_stands(database: Database) -> None:
    numbers = [await add_case(database, company_name=name) for name in TEMPTING]
    for text, expected in WORDS:
        assert {numbers.index(no) for no in await found(database, text=text)} == expected, text


async def test_a_part_of_the_number_finds_the_case_in_either_case(database: Database) -> None:
    first, second = await add_case(database), await add_case(database)
    assert await found(database, text=first) == [first]
    assert await found(database, text=first[-9:].lower()) == [first]
    assert set(await found(database, text="PENTMOV")) == {first, second}
    assert await found(database, Scope(owner="stranger"), text=first) == []

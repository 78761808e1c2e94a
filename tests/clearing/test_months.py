"""Clearing by month (domain note 3.8): gross per pair, to the fen; silence, disputes, reversals have one way each."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from activities.clearing import propose
from domain import names
from domain.clearing import (
    NEXT,
    Flow,
    Level,
    PeriodState,
    days_of,
    flows_total,
    month_before,
    moved,
    nets,
    quota_of,
    use_of,
)
from domain.errors import Refusal
from domain.ledger import Reversal
from models import clearing
from models.database import Database, DatabaseError
from models.ledger import pair_sums, post_reversal
from tests.clearing.months import (
    clear,
    confirm,
    dispute,
    enter,
    golden_rows,
    order,
    pay,
    propose_month,
    state,
    statements,
)
from tests.clearing.samples import AH, GOLDEN, JS, NETS, PROFILE, SH, ZJ, settled

OCTOBER, NOVEMBER = "2026-10", "2026-11"
Pair = tuple[str, str]


async def test_the_golden_month_to_the_fen(database: Database) -> None:
    await enter(database, *golden_rows())
    proposed = await propose_month(database, OCTOBER)
    assert {(f.payer, f.payee): f.amount for f in proposed.flows} == {p: yuan * 100 for p, yuan in GOLDEN.items()}
    assert flows_total(proposed.flows) == 4_700_000_00
    assert {n.province: n.net for n in nets(proposed.flows, names.PROVINCES)} == {p: y * 100 for p, y in NETS.items()}
    shanghai = nets(proposed.flows, names.PROVINCES)[0]
    assert (shanghai.pays, shanghai.receives) == (670_000_00, 2_990_000_00)
    assert (proposed.proposed_on, proposed.confirm_by) == (date(2026, 11, 21), date(2026, 11, 25))
    assert await clear(database, OCTOBER) is PeriodState.CLEARED
    async with database.begin() as session:
        ledger = {(f.payer, f.payee): f.amount for f in await pair_sums(session, *days_of(OCTOBER))}
        period = await clearing.find_period(session, OCTOBER)
    assert {pair: s.amount for pair, s in (await statements(database, OCTOBER)).items()} == ledger
    assert period is not None
    assert period.pay_by == date(2026, 12, 10), "ten working days after 26 November"


@given(st.dictionaries(st.sampled_from(sorted(GOLDEN)), st.integers(-(10**12), 10**12)))
def test_the_nets_of_all_provinces_add_up_to_nothing(amounts: dict[Pair, int]) -> None:
    flows = [Flow(payer=payer, payee=payee, amount=amount) for (payer, payee), amount in amounts.items()]
    sides = nets(flows, names.PROVINCES)
    assert sum(side.net for side in sides) == 0
    assert sum(side.pays for side in sides) == sum(side.receives for side in sides) == flows_total(flows)


async def test_silence_until_the_confirm_day_is_consent_and_is_told_from_a_confirmation(database: Database) -> None:
    await enter(database, settled(AH, SH, 500), settled(JS, SH, 700))
    await propose_month(database, OCTOBER)
    assert await state(database, OCTOBER) == ("proposed", [JS, AH])
    await confirm(database, OCTOBER, AH)
    await confirm(database, OCTOBER, AH)  # the same command again
    assert await state(database, OCTOBER) == ("proposed", [JS])
    await clear(database, OCTOBER)
    rows = await statements(database, OCTOBER)
    assert {pair: row.answer for pair, row in rows.items()} == {(AH, SH): "confirmed", (JS, SH): "silent"}
    assert await state(database, OCTOBER) == ("cleared", [JS, AH])
    async with database.begin() as session:
        acts = [(act.kind, act.payer) for act in await clearing.acts_of(session, OCTOBER)]
    assert acts == [("proposed", ""), ("confirm", AH), ("silence", JS), ("cleared", "")]


async def test_when_the_last_payer_has_confirmed_the_month_is_confirmed(database: Database) -> None:
    await enter(database, settled(AH, SH), settled(JS, SH))
    await propose_month(database, OCTOBER)
    await confirm(database, OCTOBER, AH)
    await confirm(database, OCTOBER, JS)
    assert await state(database, OCTOBER) == ("confirmed", [])
    with pytest.raises(Refusal, match="clearing_not_answerable"):
        await dispute(database, OCTOBER, AH, "S1")


async def test_what_is_disputed_is_carried_into_the_next_month_and_nothing_else(database: Database) -> None:
    kept, doubted = settled(AH, SH, 500), settled(AH, SH, 300)
    await enter(database, kept, doubted, settled(AH, ZJ, 40))
    await propose_month(database, OCTOBER)
    await dispute(database, OCTOBER, AH, doubted.setl_id)
    await dispute(database, OCTOBER, AH, doubted.setl_id)  # the same command again
    assert (await state(database, OCTOBER))[0] == "disputed"
    row = (await statements(database, OCTOBER))[AH, SH]
    assert (row.proposed, row.disputed, row.disputed_items) == (800, 300, 1)
    await clear(database, OCTOBER)
    row = (await statements(database, OCTOBER))[AH, SH]
    assert (row.amount, row.items, row.answer) == (500, 1, "silent")
    proposed = await propose_month(database, NOVEMBER)
    assert [(f.payer, f.payee, f.amount) for f in proposed.flows] == [(AH, SH, 300)]
    async with database.begin() as session:
        (item,) = await clearing.items_of(session, NOVEMBER, AH)
    assert (item.setl_id, item.carried, item.disputed) == (doubted.setl_id, 1, False)


async def test_a_payer_disputes_only_its_own_items_of_that_month(database: Database) -> None:
    mine, theirs = settled(AH, SH), settled(JS, SH)
    await enter(database, mine, theirs)
    await propose_month(database, OCTOBER)
    later = settled(AH, SH)
    await enter(database, later)
    for items in ((theirs.setl_id,), (mine.setl_id, "nobody's"), (later.setl_id,)):
        with pytest.raises(Refusal, match="clearing_item_not_found"):
            await dispute(database, OCTOBER, AH, *items, id_=f"d-{items}")
    assert (await statements(database, OCTOBER))[AH, SH].disputed == 0
    await dispute(database, OCTOBER, AH, mine.setl_id)
    with pytest.raises(Refusal, match="clearing_item_not_found"):
        await dispute(database, OCTOBER, AH, mine.setl_id, id_="again")
    with pytest.raises(Refusal, match="clearing_nothing_to_answer"):
        await dispute(database, OCTOBER, ZJ, mine.setl_id, id_="zj")
    await confirm(database, OCTOBER, AH)
    with pytest.raises(Refusal, match="clearing_answered"):
        await confirm(database, OCTOBER, AH, "again")


async def test_a_reversal_after_the_month_was_cleared_corrects_the_next(database: Database) -> None:
    row = settled(AH, SH, 500, date(2026, 10, 30))
    await enter(database, row, settled(AH, SH, 200, date(2026, 10, 30)))
    await propose_month(database, OCTOBER)
    await clear(database, OCTOBER)
    async with database.begin() as session:
        await post_reversal(session, Reversal(setl_id="R1", msgid="RM1", original=row.setl_id, day=date(2026, 11, 26)))
    await enter(database, settled(AH, SH, 900, date(2026, 11, 27)))
    assert (await statements(database, OCTOBER))[AH, SH].amount == 700
    await propose_month(database, NOVEMBER)
    await clear(database, NOVEMBER)
    assert (await statements(database, NOVEMBER))[AH, SH].amount == 400
    assert (await statements(database, OCTOBER))[AH, SH].amount == 700


async def test_a_reversal_alone_makes_the_treatment_province_give_back(database: Database) -> None:
    row = settled(AH, SH, 500)
    await enter(database, row)
    await propose_month(database, OCTOBER)
    await clear(database, OCTOBER)
    async with database.begin() as session:
        await post_reversal(session, Reversal(setl_id="R", msgid="RM", original=row.setl_id, day=date(2026, 11, 2)))
    proposed = await propose_month(database, NOVEMBER)
    assert [(f.payer, f.payee, f.amount) for f in proposed.flows] == [(AH, SH, -500)]


async def test_what_is_entered_late_goes_into_the_next_month(database: Database) -> None:
    await enter(database, settled(AH, SH, 500))
    await propose_month(database, OCTOBER)
    await enter(database, settled(AH, SH, 30))  # of October, too
    again = await propose_month(database, OCTOBER)
    assert [f.amount for f in again.flows] == [500]
    assert [f.amount for f in (await propose_month(database, NOVEMBER)).flows] == [30]


async def test_a_proposal_that_was_cut_off_goes_on_where_it_stood(database: Database) -> None:
    await enter(database, *golden_rows())
    async with database.begin() as session:
        await clearing.open_period(session, OCTOBER, date(2026, 10, 31), PROFILE)
        assert await clearing.take_piece(session, OCTOBER, 10) == 10
    told: list[int] = []
    proposed = await propose(database, order(OCTOBER), told.append)
    assert told == [26]
    assert flows_total(proposed.flows) == 4_700_000_00


async def test_all_paid_is_paid_and_not_before(database: Database) -> None:
    await enter(database, settled(AH, SH), settled(JS, SH))
    await propose_month(database, OCTOBER)
    with pytest.raises(Refusal, match="clearing_not_cleared"):
        await pay(database, OCTOBER, AH)
    await clear(database, OCTOBER)
    await pay(database, OCTOBER, AH)
    await pay(database, OCTOBER, AH)
    assert await state(database, OCTOBER) == ("cleared", [JS])
    await pay(database, OCTOBER, JS)
    assert await state(database, OCTOBER) == ("paid", [])


async def test_a_month_without_anything_is_over_at_once(database: Database) -> None:
    await enter(database, settled(SH, SH))
    assert (await propose_month(database, OCTOBER)).flows == ()
    assert await clear(database, OCTOBER) is PeriodState.PAID


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE clearing_statement SET amount = amount + 1",
        "UPDATE clearing_statement SET answer = 'waiting'",
        "UPDATE clearing_item SET month = NULL",
        "UPDATE clearing_item SET month = '2026-11'",
        "UPDATE clearing_item SET amount = 1",
    ],
)
async def test_what_was_cleared_stays(database: Database, statement: str) -> None:
    await enter(database, settled())
    await propose_month(database, OCTOBER)
    await clear(database, OCTOBER)
    with pytest.raises(DatabaseError, match="cleared"):
        async with database.begin() as session:
            await session.execute(text(statement))


async def test_the_prepayment_of_the_note(database: Database) -> None:
    for month, yuan in ((10, 1_000_000), (11, 1_200_000), (12, 1_100_000)):
        await enter(database, settled(AH, SH, yuan * 100, date(2025, month, 5)))
        await propose_month(database, f"2025-{month}")
        await clear(database, f"2025-{month}")
    async with database.begin() as session:
        quarter = (await clearing.quarter_amounts(session, 2025))[AH, SH]
    quota = quota_of(PROFILE, quarter)
    assert quota == 2_200_000_00
    for yuan, per_mille, level in (
        (1_250_000, 568, Level.GREEN),
        (1_600_000, 727, Level.YELLOW),
        (2_000_000, 909, Level.RED),
    ):
        assert use_of(PROFILE, quota, yuan * 100) == (per_mille, level)


@given(st.integers(1, 10**12), st.integers(0, 2 * 10**12))
def test_a_warning_begins_exactly_at_its_rate(quota: int, used: int) -> None:
    level = use_of(PROFILE, quota, used)[1]
    wanted = Level.RED if 10 * used >= 9 * quota else Level.YELLOW if 10 * used >= 7 * quota else Level.GREEN
    assert level is wanted
    assert use_of(PROFILE, 0, used) == (0, Level.NONE)


@pytest.mark.parametrize("state_", PeriodState)
@pytest.mark.parametrize("to", PeriodState)
def test_a_month_moves_only_as_the_table_says(state_: PeriodState, to: PeriodState) -> None:
    if to in NEXT[state_]:
        assert moved(state_, to) is to
    else:
        with pytest.raises(ValueError, match="no way"):
            moved(state_, to)


def test_days_of_the_profile_lie_in_the_month_after() -> None:
    assert PROFILE.proposed_on("2026-12") == date(2027, 1, 21)
    assert PROFILE.confirm_by("2026-12", date(2027, 1, 21)) == date(2027, 1, 25)
    assert PROFILE.confirm_by("2026-12", date(2027, 1, 24)) == date(2027, 1, 28), "a late proposal leaves four days"
    assert month_before(date(2027, 1, 21)) == "2026-12"
    assert days_of("2028-02") == (date(2028, 2, 1), date(2028, 2, 29))
    with pytest.raises(ValueError, match="no month"):
        days_of("2026-13")

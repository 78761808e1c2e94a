"""The chain finds every tampering; every code a person can meet has its words in both languages."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from domain.audit import GENESIS, event_hash, seal_hash
from domain.calendar import SHANGHAI
from domain.case import StepStatus
from domain.errors import ERRORS, Refusal
from domain.messages import SYSTEM
from domain.reasons import REASONS, reason_text
from domain.record import Event
from domain.waiting import WHY
from tests.unit.plans import CASE_NO, NOW

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("domain", "catalogue", "api", "adapters", "models", "activities", "workflows", "web", "tongban")
EVENTS = [
    Event(type=f"test:event:{i}", at=NOW + timedelta(seconds=i), actor=SYSTEM, step="e", data={"n": str(i)})
    for i in range(5)
]
Row = tuple[int, Event, str]


def chain() -> list[Row]:
    rows, previous = [], GENESIS
    for seq, event in enumerate(EVENTS, start=1):
        previous = event_hash(previous, CASE_NO, seq, event)
        rows.append((seq, event, previous))
    return rows


def holds(rows: list[Row], head: str) -> bool:
    """As ``verify`` does: recomputed from the first event, and ending in the head kept elsewhere."""
    previous = GENESIS
    for number, (seq, event, stored) in enumerate(rows, start=1):
        previous = event_hash(previous, CASE_NO, seq, event)
        if seq != number or stored != previous:
            return False
    return previous == head


def test_an_untouched_chain_holds() -> None:
    rows = chain()
    assert holds(rows, rows[-1][2])
    assert len({stored for _, _, stored in rows}) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"type": "test:event:9"},
        {"at": NOW + timedelta(microseconds=1)},
        {"actor": SYSTEM.model_copy(update={"subject": "somebody"})},
        {"leg": "l"},
        {"step": "f"},
        {"data": {"n": "9"}},
        {"data": {}},
    ],
)
@pytest.mark.parametrize("at", range(5))
def test_an_edit_is_found_even_if_its_own_hash_is_mended(at: int, change: dict[str, object]) -> None:
    rows = chain()
    head = rows[-1][2]
    seq, event, stored = rows[at]
    edited = event.model_copy(update=change)
    assert not holds([*rows[:at], (seq, edited, stored), *rows[at + 1 :]], head)
    previous = rows[at - 1][2] if at else GENESIS
    mended = event_hash(previous, CASE_NO, seq, edited)
    assert not holds([*rows[:at], (seq, edited, mended), *rows[at + 1 :]], head)


@pytest.mark.parametrize("at", range(5))
def test_a_removed_event_is_found(at: int) -> None:
    rows = chain()
    assert not holds(rows[:at] + rows[at + 1 :], rows[-1][2])


@pytest.mark.parametrize("at", range(4))
def test_an_exchange_and_a_cut_are_found(at: int) -> None:
    rows = chain()
    swapped = [*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]]
    assert not holds(swapped, rows[-1][2])
    assert not holds(rows[: at + 1], rows[-1][2])


def test_the_same_event_in_another_case_has_another_hash_and_the_zone_of_its_time_does_not_matter() -> None:
    event = EVENTS[0]
    assert event_hash(GENESIS, CASE_NO, 1, event) != event_hash(GENESIS, CASE_NO[::-1], 1, event)
    moved = event.model_copy(update={"at": event.at.astimezone(SHANGHAI)})
    assert event_hash(GENESIS, CASE_NO, 1, moved) == event_hash(GENESIS, CASE_NO, 1, event)


def test_a_seal_covers_every_hash_and_the_seal_before_it() -> None:
    hashes = [stored for _, _, stored in chain()]
    seal = seal_hash(GENESIS, hashes)
    others = [seal_hash(GENESIS, hashes[:-1]), seal_hash(GENESIS, hashes[::-1]), seal_hash(hashes[0], hashes)]
    assert seal not in others
    assert seal == seal_hash(GENESIS, iter(hashes))


def sources() -> dict[str, str]:
    """Every module of the house but the table of errors itself."""
    files = [p for room in ROOMS for p in (ROOT / room).rglob("*.py")]
    return {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in files if p.name != "errors.py"}


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_an_error_code_is_in_use_and_complete(code: str) -> None:
    kind = ERRORS[code]
    assert 400 <= kind.status < 600
    assert re.search("[\u4e00-\u9fff]", kind.text.zh)
    assert kind.text.en.isascii()
    assert any(f'"{code}"' in text for text in sources().values()), "nobody can meet it"


def test_every_refusal_in_the_code_has_its_row() -> None:
    used = {c for text in sources().values() for c in re.findall(r'\bRefusal\(\s*"([a-z_]+)"', text)}
    assert used
    assert used <= set(ERRORS)
    with pytest.raises(KeyError):
        Refusal("no_such_code")


def test_every_reason_to_wait_has_its_words_and_says_what_would_help() -> None:
    source = (ROOT / "domain/process/view.py").read_text("utf-8")
    used = set(re.findall(r'(?:Who\.[A-Z]+, (?:[a-z_.]+|None), |Who\.[A-Z]+, |why = )"([a-z_]+)"', source))
    used |= set(re.findall(r'"(evidence_[a-z]+)"', source))
    assert {"task", "province_working", "province_unavailable", "outcome_unknown", "reversal", "resolve"} <= used
    assert used <= set(WHY)
    assert all(w.text.zh and w.text.en and w.unblocks.zh and w.unblocks.en for w in WHY.values())
    assert len(StepStatus) == 14, "a new status needs its words"


def test_every_way_to_end_early_has_its_words() -> None:
    source = "".join(p.read_text("utf-8") for p in (ROOT / "domain/process").glob("*.py"))
    used = set(re.findall(r'process\.end\([^")]*?f?"([a-z_]+)', source))
    used |= set(re.findall(r'fail\(process, [a-z_.]+, f?"([a-z_]+)', source)) | {"partly_done"}
    assert len(used) > 10
    known = {re.sub("_at_.*", "_at", reason) for reason in REASONS}
    assert {reason.removesuffix("_") for reason in used} == known
    for reason in ("refused_at_accept", "refused_at_decide", "withdrawn", "rejected_at_tax", "given_up_at_register"):
        text = reason_text(reason)
        assert text in REASONS.values()
    assert reason_text("") is None
    assert all(re.search("[\u4e00-\u9fff]", t.zh) and t.en.isascii() for t in REASONS.values())

"""Custody of paper originals (代收代办): sealed, shipped, arrived, archived; who had them last is always known."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from domain.messages import Actor, Place, Role
from domain.process import deciding
from domain.process.orders import OriginalCommand, Stage

if TYPE_CHECKING:
    from domain.process.engine import Process

CHAIN: dict[Stage | None, Stage | None] = {
    None: Stage.SEALED,
    Stage.SEALED: Stage.SHIPPED,
    Stage.SHIPPED: Stage.ARRIVED,
    Stage.ARRIVED: Stage.ARCHIVED,
    Stage.ARCHIVED: None,
}
_BY_COLLECTOR = {Stage.SEALED, Stage.SHIPPED}


def begin(process: Process) -> None:
    """Every original of the plan starts with the applicant."""
    process.state.originals = {m.id: None for m in process.plan.materials if m.original}


def missing(process: Process) -> list[str]:
    """Originals that have not arrived where they are archived."""
    there = {Stage.ARRIVED, Stage.ARCHIVED}
    return [name for name, stage in process.state.originals.items() if stage not in there]


def check(process: Process, command: OriginalCommand) -> str | None:
    """The next link of the chain, by the place that holds the paper then."""
    if command.material not in process.state.originals:
        return "not_found"
    if not any(_at(command.actor, place) for place in _holders(process, command.stage)):
        return "not_found"
    expected = CHAIN[process.state.originals[command.material]]
    return None if command.stage is expected else "custody_order"


def carry_out(process: Process, command: OriginalCommand, now: datetime) -> None:
    """One link more."""
    process.state.originals[command.material] = command.stage
    data = {"material": command.material, "stage": command.stage, "command": command.id}
    process.note(f"original:{command.stage}", now, actor=command.actor, data=data)


def _holders(process: Process, stage: Stage) -> list[Place]:
    if stage in _BY_COLLECTOR and process.plan.collecting is not None:
        return [process.plan.collecting]
    archives = [s.place for s in process.steps.values() if s.kind.value == "archive"]
    return [process.accepting, *archives]


def _at(actor: Actor, place: Place) -> bool:
    return actor.role is Role.CASEWORKER and deciding.at(actor, place)

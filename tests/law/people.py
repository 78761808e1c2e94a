"""Who appears in the tests of the law, and what they ask a case for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.calendar import SHANGHAI, local_day
from domain.messages import Actor, Role
from domain.process import (
    CancelSupplementCommand,
    HandInCommand,
    ItemKind,
    ReplySupplementCommand,
    RequestSupplementCommand,
    SupplementItem,
)
from domain.record import Event
from tests.unit.plans import HERE
from tests.unit.world import CITIZEN, World

CLERK = Actor(subject="w-1", role=Role.CASEWORKER, region=HERE.region, department=HERE.department)
COLLEAGUE = CLERK.model_copy(update={"subject": "w-2"})
SUPERVISOR = CLERK.model_copy(update={"subject": "s-1", "role": Role.SUPERVISOR})
STRANGER = CLERK.model_copy(update={"subject": "w-9", "region": "330100"})


def ask(world: World, *abouts: str, step: str = "accept", by: Actor = CLERK, about_new: bool = False) -> str | None:
    """The one-time notice about these materials or fields; the code of the refusal."""
    items = tuple(
        SupplementItem(id=f"i{n}", about=about, kind=ItemKind.INCOMPLETE) for n, about in enumerate(abouts, 1)
    )
    return world.order(
        RequestSupplementCommand(
            id=f"ask-{len(world.orders)}", actor=by, task=world.task(step), items=items, about_new=about_new
        )
    )


def open_notice(world: World) -> str:
    """The id of the notice that is open."""
    return next(i for i, s in world.process.state.supplements.items() if s.status == "open")


def reply(world: World, *items: str, notice: str = "", fields: tuple[str, ...] = ()) -> str | None:
    """The applicant answers these items, with new values of these fields."""
    name, about = f"reply-{len(world.orders)}", notice or open_notice(world)
    return world.order(ReplySupplementCommand(id=name, actor=CITIZEN, supplement=about, items=items, fields=fields))


def take_back(world: World, by: Actor, notice: str = "") -> str | None:
    """Somebody takes the notice back."""
    name = f"back-{by.subject}-{len(world.orders)}"
    return world.order(CancelSupplementCommand(id=name, actor=by, supplement=notice or open_notice(world)))


def hand_in(world: World, material: str) -> str | None:
    """The applicant hands in what was promised."""
    return world.order(HandInCommand(id=f"hand-{material}-{len(world.orders)}", actor=CITIZEN, material=material))


def until(world: World, day: str, hour: int = 10) -> None:
    """Time passes, every timer on the way rings."""
    target = datetime.combine(date.fromisoformat(day), datetime.min.time(), SHANGHAI) + timedelta(hours=hour)
    for _ in range(100):
        wake = world.process.next_wake()
        if wake is None or wake > target:
            break
        world.pass_time()
    world.now = max(world.now, target)


def legal_due(world: World, clock: str) -> str:
    """The legal limit of a clock as it stands."""
    return str(world.process.state.clocks[clock].legal_due)


def events(world: World) -> list[Event]:
    """The audit trail."""
    return [event for batch in world.batches for event in batch.events]


def types(world: World) -> list[str]:
    return [event.type for event in events(world)]


def today(world: World) -> date:
    return local_day(world.now)

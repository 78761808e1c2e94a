"""How provinces are doing, and the operator's brake.

The brake is a row: from its commit on no worker begins a call against it. The province's queue at Temporal is told as
well, so that what waits there costs nothing; whoever could not tell it (Temporal was down) leaves that to the relay.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import timedelta

from api.gateway import Down
from api.house import House
from api.schemas_provinces import (
    BrakeIn,
    BrakeOut,
    LatencyOut,
    ProvinceOut,
    ProvinceState,
    QuarantineOut,
    ResultFileOut,
)
from domain.errors import Refusal
from domain.messages import Actor
from models import outbox, provinces, results
from models.database import Session

WINDOW = timedelta(minutes=15)
DEGRADED_FROM = 0.2
log = logging.getLogger(__name__)


async def overview(session: Session, house: House) -> list[ProvinceOut]:
    """Every province of the provinces file."""
    regions = house.provinces.regions
    brakes = await provinces.controls(session)
    healths = await provinces.health(session, regions, WINDOW)
    return [_shown(house, health, brakes.get(health.region)) for health in healths]


def _shown(house: House, health: provinces.Health, brake: provinces.ProvinceControl | None) -> ProvinceOut:
    can = house.provinces.get(health.region).capabilities
    share = health.failures / health.calls if health.calls else 0.0
    return ProvinceOut(
        region=health.region,
        adapter=house.provinces.adapter_name(health.region),
        state=_state(health, share, held=brake is not None and brake.held),
        verbs=sorted(can.verbs),
        answers=sorted(can.answers),
        keys=can.keys,
        calls=health.calls,
        latency_ms=LatencyOut(p50=health.p50_ms, p95=health.p95_ms),
        error_share=round(share, 4),
        breaker=health.breaker,
        last_success=health.last_success,
        unknown_outcomes=health.unknown,
        unanswered=health.waiting,
        contradictions=health.contradictions,
        configured_rate_per_s=house.provinces.rate(health.region),
        brake=_brake_out(brake),
    )


def _state(health: provinces.Health, share: float, *, held: bool) -> ProvinceState:
    if held:
        return ProvinceState.HELD
    if health.breaker == "open":
        return ProvinceState.DOWN
    if not health.calls:
        return ProvinceState.IDLE
    return ProvinceState.DEGRADED if share > DEGRADED_FROM else ProvinceState.UP


def _brake_out(brake: provinces.ProvinceControl | None) -> BrakeOut:
    if brake is None:
        return BrakeOut(held=False, rate_per_s=None, reason="", changed_by="", changed_at=None, revision=0)
    return BrakeOut(
        held=brake.held,
        rate_per_s=brake.rate_per_s,
        reason=brake.reason,
        changed_by=brake.changed_by,
        changed_at=brake.changed_at,
        revision=brake.revision,
        told=brake.applied >= brake.revision,
    )


def known(house: House, region: str) -> None:
    """Refusal unless the provinces file has it."""
    if region not in house.provinces.regions:
        raise Refusal("not_found")


async def brake(session: Session, actor: Actor, region: str, body: BrakeIn) -> BrakeOut:
    """Writes what the operator wants."""
    now = await provinces.lock_control(session, region)
    await provinces.set_control(
        session,
        region,
        held=now.held if body.held is None else body.held,
        rate=body.rate_per_s if "rate_per_s" in body.model_fields_set else now.rate_per_s,
        reason=body.reason,
        by=actor.subject,
    )
    return _brake_out(await provinces.lock_control(session, region))


async def put_aside(session: Session, region: str) -> list[QuarantineOut]:
    """What a province has said about people nobody had asked about."""
    rows = await provinces.quarantined(session, region)
    return [QuarantineOut.model_validate(row, from_attributes=True) for row in rows]


async def result_files(session: Session, region: str) -> list[ResultFileOut]:
    """The nightly files of a province."""
    shown = []
    for file in await results.files_of(session, region):
        differences = [each.model_dump() for each in await results.differences_of(session, region, file.day)]
        shown.append(ResultFileOut.model_validate(file.model_dump() | {"differences": differences}))
    return shown


class QueueLimits:
    """Tells the provinces' queues what they may let through, whenever that has changed."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[int, float | None]] = {}

    async def tell(self, house: House) -> None:
        """Once for every province after a start, then only what is new. What could not be told is told next time."""
        async with house.database.begin() as session:
            brakes = await provinces.controls(session)
        for region in house.provinces.regions:
            row = brakes.get(region)
            wanted = (row.revision if row else 0, _limit(row, house.provinces.rate(region)))
            if self._told.get(region) == wanted and (row is None or row.applied >= row.revision):
                continue
            try:
                await self._tell_one(house, region, wanted)
            except Down as down:
                log.warning("the queue of %s could not be told its limit: %s", region, down)

    async def _tell_one(self, house: House, region: str, wanted: tuple[int, float | None]) -> None:
        """Until what was told is what is wanted: somebody may have changed it while Temporal was being told."""
        while True:
            await house.gateway.limit_queue(region, wanted[1])
            self._told[region] = wanted
            async with house.database.begin() as session:
                row = (await provinces.controls(session)).get(region)
            now = (row.revision if row else 0, _limit(row, house.provinces.rate(region)))
            if now == wanted:
                if row is not None:
                    await provinces.control_applied(house.database, region, row.revision)
                return
            wanted = now


async def tell_local_days(house: House) -> int:
    """Has open cases computed again where the provinces file now says other days; for how many provinces it does."""
    changed = 0
    async with house.database.begin() as session:
        for region in house.provinces.regions:
            days = house.provinces.local_days.get(region, ())
            spelled = json.dumps([day.model_dump(mode="json") for day in days], sort_keys=True)
            digest = hashlib.sha256(spelled.encode()).hexdigest() if days else ""
            row = await provinces.lock_control(session, region)
            if row.days_digest == digest:
                continue
            row.days_digest = digest
            changed += 1
            await outbox.post_to_open_cases(session, outbox.OutboxKind.CALENDAR, {"region": region, "digest": digest})
    return changed


def _limit(brake: provinces.ProvinceControl | None, configured: float | None) -> float | None:
    """Calls a second through the queue; 0 holds all, None lets all through."""
    if brake is not None and brake.held:
        return 0.0
    limits = [brake.rate_per_s if brake else None, configured]
    return min((limit for limit in limits if limit is not None), default=None)

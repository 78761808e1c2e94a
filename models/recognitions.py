"""What is read of recognitions beside the matter itself: what was recognised in a stay, and the statistics."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.medical import MatterKind
from domain.medical.recognition import Recognised, RecognitionView, recognised_items
from domain.regions import prefix_of
from models.matters import Matter


async def recognised_in(session: AsyncSession, stay: str) -> tuple[Recognised, ...]:
    """What was recognised for a stay or visit (its number): what its fees must not charge again."""
    rows = await session.execute(
        select(col(Matter.no), col(Matter.progress))
        .where(
            col(Matter.kind) == MatterKind.RECOGNITION.value,
            col(Matter.start)["about"].astext == stay,
        )
        .order_by(col(Matter.no))
    )
    return tuple(
        item for no, progress in rows for item in recognised_items(no, RecognitionView.model_validate(progress))
    )


_REPORTS = """
    SELECT m.institution AS institution, m.treatment AS treatment,
           r->'entry'->>'item_code' AS item, r->>'state' AS state, (r->>'saved')::bigint AS saved,
           coalesce((r->>'decided_at')::timestamptz, m.created_at) AS at
    FROM matter m CROSS JOIN LATERAL jsonb_array_elements(m.progress->'reports') AS r
    WHERE m.kind = 'recognition' AND (:institution = '' OR m.institution = :institution)
      AND (:region = '' OR m.treatment LIKE :region || '%')
"""
_COUNTED = f"""
    WITH report AS ({_REPORTS}), dated AS (
        SELECT institution, item, to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month, state, saved
        FROM report
        WHERE (at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN :since AND :until AND (:item = '' OR item = :item)
    )
    SELECT GROUPING(institution, item, month) AS grouped, institution, item, month,
           count(*) AS reports,
           count(*) FILTER (WHERE state = 'recognised') AS recognised,
           count(*) FILTER (WHERE state = 're_examined') AS re_examined,
           count(*) FILTER (WHERE state = 'barred') AS barred,
           count(*) FILTER (WHERE state = 'lapsed') AS lapsed,
           coalesce(sum(saved) FILTER (WHERE state = 'recognised'), 0) AS saved
    FROM dated GROUP BY GROUPING SETS ((), (institution), (item), (month))
    ORDER BY grouped DESC, institution, item, month
"""  # noqa: S608
_LISTS = {7: "total", 3: "by_institution", 5: "by_item", 6: "by_month"}
_KEYS = {"by_institution": "institution", "by_item": "item", "by_month": "month"}


async def statistics(
    session: AsyncSession, since: date, until: date, *, institution: str = "", region: str = "", item: str = ""
) -> dict[str, list[dict[str, Any]]]:
    """Reports from ``since`` to ``until``, Asia/Shanghai, by the day of the decision (without one: of the recognition).

    rate: recognised of those the physician decided about, None if about none; saved: fen of what was recognised. Lists
    ``total`` (one line), ``by_institution``, ``by_item``, ``by_month``.
    """
    parameters = {
        "since": since,
        "until": until,
        "institution": institution,
        "region": prefix_of(region) if region else "",
        "item": item,
    }
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in _LISTS.values()}
    for row in (await session.execute(text(_COUNTED), parameters)).mappings():
        name = _LISTS[row["grouped"]]
        line = {k: int(row[k]) for k in ("reports", "recognised", "re_examined", "barred", "lapsed", "saved")}
        decided = line["recognised"] + line["re_examined"]
        head = {_KEYS[name]: row[_KEYS[name]]} if name in _KEYS else {}
        found[name].append(head | line | {"rate": round(line["recognised"] / decided, 4) if decided else None})
    return found

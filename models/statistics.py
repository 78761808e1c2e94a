"""Counts over all cases: how many, how fast, how punctual, how heavy for the applicants. Nobody's data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.regions import prefix_of

_SCOPE = """
    c.created_at >= :since AND c.created_at < :until
    AND (:service = '' OR c.service = :service)
    AND (:region = '' AND :department = '' OR EXISTS (
        SELECT 1 FROM case_party p WHERE p.case_no = c.no AND p.region LIKE :region
        AND (:department = '' OR p.department = :department)))
"""
_CASES = f"""
    SELECT c.service, c.status, count(*) AS cases,
        count(*) FILTER (WHERE c.closed_at IS NULL AND c.due_at <= now()) AS overdue,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.closed_at - c.created_at) / 86400) AS p50,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM c.closed_at - c.created_at) / 86400) AS p95
    FROM cases c WHERE {_SCOPE} GROUP BY c.service, c.status ORDER BY c.service, c.status
"""  # noqa: S608  only constants
_CLOCKS = f"""
    SELECT c.service, count(*) AS clocks,
        count(*) FILTER (WHERE (k->>'legal_overdue')::boolean) AS legal_overdue,
        count(*) FILTER (WHERE (k->>'promised_overdue')::boolean) AS promised_overdue,
        count(*) FILTER (WHERE k->>'extension' = 'granted') AS extended,
        count(*) FILTER (WHERE jsonb_array_length(k->'pauses') > 0) AS paused
    FROM cases c CROSS JOIN LATERAL jsonb_array_elements(c.progress->'clocks') AS k
    WHERE {_SCOPE} GROUP BY c.service ORDER BY c.service
"""  # noqa: S608
_WAITING = f"""
    SELECT c.waiting_who AS who, count(*) AS cases,
        CASE c.waiting_region WHEN '' THEN '' ELSE left(c.waiting_region, 2) || '0000' END AS province,
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY extract(epoch FROM now() - (c.progress->'waiting'->0->>'since')::timestamptz) / 86400) AS p50
    FROM cases c WHERE c.closed_at IS NULL AND c.waiting_who <> '' AND {_SCOPE} GROUP BY 1, 3 ORDER BY 1, 3
"""  # noqa: S608
_RATINGS = f"""
    SELECT c.service, count(*) AS ratings, avg(r.stars)::float AS average,
        count(*) FILTER (WHERE r.stars <= 2) AS bad,
        count(*) FILTER (WHERE t.state = 'done') AS followed_up,
        count(*) FILTER (WHERE t.state = 'open' AND t.due_at <= now()) AS follow_up_overdue
    FROM rating r JOIN cases c ON c.no = r.case_no LEFT JOIN task t ON t.id = r.follow_up
    WHERE {_SCOPE} GROUP BY c.service ORDER BY c.service
"""  # noqa: S608
_BURDEN = f"""
    SELECT c.service, count(*) AS cases,
        sum((SELECT coalesce(sum(jsonb_array_length(d.value)), 0) FROM jsonb_each(a.documents) AS d))::int AS handed_in,
        sum((SELECT count(*) FROM evidence e WHERE e.case_no = c.no AND e.state = 'used'))::int AS fetched,
        sum(jsonb_array_length(c.progress->'supplements'))::int AS notices
    FROM cases c JOIN application a ON a.case_no = c.no WHERE {_SCOPE} GROUP BY c.service ORDER BY c.service
"""  # noqa: S608
_OTHER = f"""
    SELECT count(*) FILTER (WHERE e.type = 'case:transfer:disputed') AS disputes,
        count(*) FILTER (WHERE e.type = 'case:transferred') AS transfers,
        count(*) FILTER (WHERE e.type = 'task:supervise:opened') AS escalations,
        count(*) FILTER (WHERE e.type = 'effect:reverse:failed') AS failed_compensations,
        count(*) FILTER (WHERE e.type = 'case:reopened') AS reopened
    FROM event e JOIN cases c ON c.no = e.case_no WHERE {_SCOPE}
"""  # noqa: S608
QUESTIONS = {
    "cases": text(_CASES),
    "clocks": text(_CLOCKS),
    "waiting": text(_WAITING),
    "ratings": text(_RATINGS),
    "burden": text(_BURDEN),
    "other": text(_OTHER),
}


async def counted(
    session: AsyncSession, *, since: datetime, until: datetime, service: str, region: str, department: str
) -> Mapping[str, Sequence[dict[str, Any]]]:
    """Topic -> rows. ``region``: only cases in which a place in it takes part; empty: all."""
    given = {
        "since": since,
        "until": until,
        "service": service,
        "region": prefix_of(region) + "%" if region or department else "",
        "department": department,
    }
    found = {}
    for topic, question in QUESTIONS.items():
        result = await session.execute(question, given)
        found[topic] = [dict(row) for row in result.mappings()]
    return found

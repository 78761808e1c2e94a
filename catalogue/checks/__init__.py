"""Everything that a plan of the right shape can still have wrong, by topic. Each check yields complaints."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from catalogue.checks import forms, identity, money, order, overlays, people, places, results, steps, time
from catalogue.reading import Complaint
from domain.plan import Plan


def check(plan: Plan, offers: Mapping[str, Collection[str]] | None = None) -> Iterator[Complaint]:
    """All complaints about a plan. ``offers``: department -> operations, if what adapters can do is known."""
    faults = list(forms.check(plan))
    yield from faults
    if any(code.startswith("form_") and code != "form_open" for _, code, _, _ in faults):
        return  # everything else refers to fields of the form
    for topic in (identity, places, steps, order, time, people, money, results, overlays):
        yield from topic.check(plan)
    if offers is not None:
        yield from steps.check_capabilities(plan, offers)

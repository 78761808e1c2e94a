"""Fees: to whom, before what."""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.reading import Complaint
from domain.plan import Plan


def check(plan: Plan) -> Iterator[Complaint]:
    """Each fee."""
    steps = {step.id for step in plan.steps}
    for i, fee in enumerate(plan.fees):
        if fee.role not in plan.roles:
            yield ("fees", i, "role"), "fee_role_unknown", f"no role {fee.role}", "Name one of roles."
        if fee.before not in steps:
            yield ("fees", i, "before"), "fee_before_unknown", f"no step {fee.before}", "Name one of steps."

"""Work of the house itself that a matter wants to be done, each by its purpose. Doing it again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from catalogue.library import Library
from catalogue.medical import filing_book, institutions
from domain.calendar import local_day
from domain.medical import Chore
from domain.medical.filing import start_of
from domain.medical.filing_decision import FilingRequest, Outcome, decide_filing
from domain.medical.filing_rules import Category
from domain.medical.referral import ReferralStart
from domain.messages import SYSTEM
from models.calendars import Calendars
from models.database import Database
from models.filings import filings_of, insert_filing, lock_person
from models.matters import read_matter

Chores = Mapping[str, Callable[[Database, Chore], Awaitable[str]]]
_CALENDARS = Calendars(lambda: Library().calendar)
AUTOMATIC = ("identity", "filing_form")  # the hospital has identified the patient; its referral is the form


async def file_referral(database: Database, chore: Chore) -> str:
    """An accepted referral is filed as TMP_REFERRAL, once, by the number kept for it; the relay starts its workflow."""
    async with database.begin() as session:
        body = json.loads(chore.body)
        if await read_matter(session, body["filing"]) is not None:
            return _answer(filed=True)
        referral = await read_matter(session, chore.no)
        institution = institutions().get(body["receiving"])
        if referral is None or institution is None:
            raise RuntimeError(f"{chore.no}: the referral or its institution is not there")
        await lock_person(session, referral.person)
        start, form, now = ReferralStart.model_validate(referral.start), referral.form, datetime.now(UTC)
        rules, today = filing_book().rules(referral.insured), local_day(now)
        request = FilingRequest(
            insured=referral.insured,
            insutype=form["insutype"],
            destination=institution.region,
            category=Category.TMP_REFERRAL,
            first=max(today, start.first),
            materials=AUTOMATIC,
            referral=chore.no,
        )
        existing = await filings_of(session, referral.person, referral.insured)
        decision = decide_filing(rules, request, existing, today)
        if decision.outcome not in {Outcome.APPROVED, Outcome.REVIEW}:
            return _answer(filed=False, codes=decision.codes)
        fields = {
            "insu_optins": rules.insured,
            "reflin_medins_no": institution.code,
            "reflin_medins_name": institution.name.zh,
            "mdtrtarea_admdvs": institution.region,
            "hosp_agre_refl_flag": "1",
            "refl_type": "1",
            "refl_date": today.isoformat(),
            "refl_rea": form["reason"],
            "refl_opnn": form["assessor_title"],
        }
        filing = start_of(
            rules,
            body["filing"],
            request,
            decision,
            asked_by=SYSTEM,
            owners=(),
            working_days=await _CALENDARS.in_force(session, rules.insured),
            referral_fields=json.dumps(fields, ensure_ascii=False),
        )
        kept = {part: form[part] for part in ("identity", "contact", "diagnosis")} | {"documents": {}}
        await insert_filing(session, filing, person=referral.person, form=kept, now=now)
    return _answer(filed=True)


def _answer(*, filed: bool, codes: tuple[str, ...] = ()) -> str:
    return json.dumps({"filed": filed, "codes": list(codes)})


CHORES: Chores = {"file_referral": file_referral}

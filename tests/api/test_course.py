"""One application from submission to certificate, as the applicant and the caseworker live it."""

from __future__ import annotations

from tests.fixtures.running import Town


async def test_an_application_goes_from_submission_to_a_licence_that_anybody_can_verify(town: Town) -> None:
    citizen = town.citizen()
    no = await town.complete(citizen)
    case = await town.case(citizen, no)
    assert (case["status"], case["waiting_on"]) == ("completed", None)
    results = (await citizen.get(f"/v1/cases/{no}/results")).json()
    (licence,) = results["results"]
    shown = await town.caller().get(f"/v1/verify/{licence['licence']}")
    assert (shown.status_code, shown.json()["valid"]) == (200, True)
    assert await town.ledger(no) == {
        ("representative", "fetch"): 1,
        ("shareholder", "fetch"): 1,
        ("tax", "submit"): 1,
        ("archive", "submit"): 1,
        ("register", "submit"): 1,
        ("licence", "submit"): 1,
    }

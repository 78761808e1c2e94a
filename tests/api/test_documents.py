"""A file is taken only if it is what it says it is, all of it and nothing besides."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

import pytest

from tests.api.test_problems import fields, is_problem
from tests.fixtures.houses import LARGEST_UPLOAD, Office
from tests.fixtures.running import Town
from tests.fixtures.samples import FORM, JPEG, PNG, SERVICE, ofd, pdf

GOOD = [
    ("a.pdf", "application/pdf", pdf()),
    ("a.pdf", "application/pdf; charset=binary", pdf()),
    ("A.PDF", "application/octet-stream", pdf()),
    ("a.ofd", "application/ofd", ofd()),
    ("a.ofd", "application/octet-stream", ofd()),
    ("a.png", "image/png", PNG),
    ("a.jpeg", "image/jpeg", JPEG),
    ("无后缀", "image/jpeg", JPEG),
]


@pytest.mark.parametrize(("name", "kind", "content"), GOOD)
async def test_a_file_that_is_what_it_says_is_kept_under_its_digest(
    office: Office, name: str, kind: str, content: bytes
) -> None:
    answer = await office.citizen().post("/v1/documents", files={"file": (name, content, kind)})
    assert answer.status_code == 201, answer.text
    document = answer.json()
    digest = hashlib.sha256(content).hexdigest()
    assert (document["digest"], document["size"], document["name"]) == (digest, len(content), name)
    assert answer.headers["location"] == f"/v1/documents/{document['id']}"
    assert await office.house.files.get(digest) == content


BOMB = ofd({"OFD.xml": b"<OFD/>", "zeros": b"\0" * 60_000_000})
BAD = {
    "text called PDF": ("a.pdf", "application/pdf", b"hello"),
    "a page called PDF": ("a.pdf", "application/pdf", b"<!DOCTYPE html><html><script>alert(1)</script></html>"),
    "a page that ends like a PDF": ("a.pdf", "application/pdf", b"<html>%PDF-1.4 %%EOF"),
    "something before the PDF": ("a.pdf", "application/pdf", b"GIF89a" + pdf()),
    "a zip behind the PDF": ("a.pdf", "application/pdf", pdf() + ofd()),
    "half a PDF": ("a.pdf", "application/pdf", pdf()[:-8]),
    "a program called PDF": ("a.pdf", "application/pdf", b"MZ" + b"\0" * 100 + b"%%EOF"),
    "a trailer behind the picture": ("a.png", "image/png", PNG + b"<?php system('id'); ?>"),
    "a zip behind the picture": ("a.png", "image/png", PNG + ofd()),
    "half a picture": ("a.png", "image/png", PNG[:-4]),
    "a photograph called picture": ("a.png", "image/png", JPEG),
    "a script behind the photograph": ("a.jpg", "image/jpeg", JPEG + b"<script>"),
    "a zip that is no OFD": ("a.ofd", "application/ofd", ofd({"word/document.xml": b"x"})),
    "an OFD in a folder": ("a.ofd", "application/ofd", ofd({"x/OFD.xml": b"x"})),
    "an OFD that climbs out": ("a.ofd", "application/ofd", ofd({"OFD.xml": b"x", "../../etc/cron.d/x": b"x"})),
    "an OFD with an absolute path": ("a.ofd", "application/ofd", ofd({"OFD.xml": b"x", "/etc/passwd": b"x"})),
    "an OFD that grows without end": ("a.ofd", "application/ofd", BOMB),
    "an OFD of too many parts": (
        "a.ofd",
        "application/ofd",
        ofd({"OFD.xml": b"x"} | {str(n): b"" for n in range(2100)})[:LARGEST_UPLOAD],
    ),
    "something before the OFD": ("a.ofd", "application/ofd", b"<html>" + ofd()),
    "something behind the OFD": ("a.ofd", "application/ofd", ofd() + b"<script>alert(1)</script>"),
    "half an OFD": ("a.ofd", "application/ofd", ofd()[:-10]),
    "nothing": ("a.pdf", "application/pdf", b""),
    "a page": ("a.html", "text/html", b"<html></html>"),
    "a drawing with script": ("a.svg", "image/svg+xml", b"<svg/>"),
    "a table": ("a.csv", "text/csv", b"=cmd()"),
    "an unknown kind": ("a.exe", "application/octet-stream", b"MZ"),
    "no kind and no suffix": ("a", "", pdf()),
}
CODES = {"nothing": "file_empty"} | dict.fromkeys(
    ["a page", "a drawing with script", "a table", "an unknown kind", "no kind and no suffix"], "file_type_unknown"
)


@pytest.mark.parametrize("what", BAD)
async def test_a_file_that_is_something_else_is_refused(office: Office, what: str) -> None:
    name, kind, content = BAD[what]
    answer = await office.citizen().post("/v1/documents", files={"file": (name, content, kind)})
    code = CODES.get(what, "file_type_mismatch")
    is_problem(answer, answer.status_code, code)
    assert answer.status_code == (415 if code == "file_type_unknown" else 422)
    assert fields(answer) == {"/file": code}


async def test_a_file_may_be_as_large_as_allowed_and_not_a_byte_larger(office: Office) -> None:
    body = b"%PDF-1.4\n" + b" " * (LARGEST_UPLOAD - 15) + b"%%EOF\n"
    citizen = office.citizen()
    assert len(body) == LARGEST_UPLOAD
    assert await citizen.upload(body)
    answer = await citizen.post(
        "/v1/documents", files={"file": ("a.pdf", b"%PDF-1.4\n " + body[9:], "application/pdf")}
    )
    is_problem(answer, 413, "file_too_large")
    answer = await citizen.post("/v1/documents", files={"file": ("a.pdf", body * 3, "application/pdf")})
    is_problem(answer, 413, "body_too_large")


NAMES = {
    "../../etc/passwd.pdf": "passwd.pdf",
    "..\\..\\boot.pdf": "boot.pdf",
    "/abs/olute.pdf": "olute.pdf",
    "gnp\u202efdp.pdf": "gnpfdp.pdf",
    "a\u200bb\ufeffc.pdf": "abc.pdf",
    "a\x7fb.pdf": "ab.pdf",
    "决议（最终）.pdf": "决议（最终）.pdf",
    "𠮷田.pdf": "𠮷田.pdf",
    "cafe\u0301.pdf": "café.pdf",
    "=cmd|'/c calc'!A0.pdf": "c calc'!A0.pdf",
    "..": "..",
    "\u202e": "file",
}


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_name_is_shown_without_path_and_without_what_cannot_be_seen(office: Office, name: str) -> None:
    answer = await office.citizen().post("/v1/documents", files={"file": (name, pdf(), "application/pdf")})
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == NAMES[name]


async def test_a_name_of_ten_thousand_letters_is_a_bad_request_and_no_more(office: Office) -> None:
    answer = await office.citizen().post("/v1/documents", files={"file": ("x" * 10_000, pdf(), "application/pdf")})
    is_problem(answer, 400, "bad_request")


async def test_a_long_name_keeps_its_end(office: Office) -> None:
    answer = await office.citizen().post(
        "/v1/documents", files={"file": ("买" * 400 + ".pdf", pdf(), "application/pdf")}
    )
    assert answer.status_code == 201, answer.text
    name = answer.json()["name"]
    assert (len(name), name[-4:]) == (120, ".pdf")
    assert not any(unicodedata.category(c).startswith("C") for c in name)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="other"; filename="a.pdf"\r\n\r\nabc\r\n--x--\r\n',
        b"\xff" * 1000,
    ],
)
async def test_a_broken_upload_is_a_problem_document(office: Office, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await office.citizen().post("/v1/documents", content=body, headers=headers)
    assert answer.status_code in {400, 422}, answer.text
    is_problem(answer, answer.status_code)


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
async def test_an_upload_of_another_shape_is_a_problem_document(office: Office, kind: str) -> None:
    answer = await office.citizen().post("/v1/documents", content=b"{}", headers={"Content-Type": kind})
    assert answer.status_code in {400, 415, 422}, answer.text
    is_problem(answer, answer.status_code)


async def test_the_same_file_twice_is_two_documents_and_one_stored_file(office: Office, tmp_path: Path) -> None:
    citizen = office.citizen()
    assert await citizen.upload(pdf("same")) != await citizen.upload(pdf("same"))
    assert len([file for file in (tmp_path / "files").iterdir() if file.is_file()]) == 1


async def test_an_upload_with_a_key_is_one_document_however_often_it_is_sent(office: Office) -> None:
    citizen, headers = office.citizen(), {"Idempotency-Key": "one-upload"}
    for _ in range(3):
        answer = await citizen.post(
            "/v1/documents", files={"file": ("a.pdf", pdf(), "application/pdf")}, headers=headers
        )
        assert answer.status_code == 201
    assert answer.headers["idempotent-replayed"] == "true"
    other = await citizen.post("/v1/documents", files={"file": ("a.pdf", pdf("b"), "application/pdf")}, headers=headers)
    is_problem(other, 409, "idempotency_conflict")


async def test_somebody_elses_document_is_not_there(office: Office) -> None:
    citizen, other = office.citizen(), office.citizen()
    foreign = await other.upload()
    application = await citizen.application()
    documents = {"resolution": [foreign], "address_proof": [foreign]}
    answer = await citizen.post("/v1/cases", json=application | {"documents": documents})
    is_problem(answer, 422, "document_unknown")
    unknown = await citizen.post(
        "/v1/cases", json={"service": SERVICE, "form": FORM, "documents": {m: ["d" + "0" * 26] for m in documents}}
    )
    assert [e["code"] for e in unknown.json()["errors"]] == [e["code"] for e in answer.json()["errors"]]


@pytest.mark.parametrize("role", ["auditor", "coordinator", "integrator", "operator"])
async def test_only_applicants_and_clerks_hand_in_documents(office: Office, role: str) -> None:
    answer = await office.login(role).post("/v1/documents", files={"file": ("a.pdf", pdf(), "application/pdf")})
    is_problem(answer, 403, "forbidden")
    clerk = await office.market().post("/v1/documents", files={"file": ("a.pdf", pdf(), "application/pdf")})
    assert clerk.status_code == 201, clerk.text  # a clerk photographs originals at the counter


async def test_a_document_is_read_by_its_owner_and_by_the_authority_that_decides_and_by_nobody_else(town: Town) -> None:
    citizen = town.citizen("owner-of-papers")
    no = await citizen.submit()
    (document,) = (await town.case(citizen, no))["documents"]["resolution"]
    path = f"/v1/cases/{no}/documents/{document['id']}"
    for reader in (citizen, town.market()):
        answer = await reader.get(path)
        assert answer.status_code == 200, answer.text
        assert hashlib.sha256(answer.content).hexdigest() == document["digest"]
        assert answer.headers["content-disposition"].startswith("attachment")
    others = (
        town.citizen("somebody-else"),
        town.login("caseworker", "340100", "tax"),
        town.login("caseworker", "310000", "big_data"),
        town.login("auditor"),
    )
    for other in others:
        assert (await other.get(path)).status_code == 404
        assert (await other.get(f"/v1/documents/{document['id']}")).status_code in {403, 404}
    assert (await citizen.get(f"/v1/documents/{document['id']}")).json()["digest"] == document["digest"]
    assert (await citizen.get(f"/v1/cases/{no}/documents/dffffffffffffffffffffffffff")).status_code == 404


async def test_an_authority_reads_only_the_fields_that_its_steps_are_sent(town: Town) -> None:
    citizen = town.citizen()
    no = await citizen.submit()
    seen = {
        department: (await town.login("caseworker", region, department).get(f"/v1/cases/{no}")).json()
        for region, department in (("320500", "market_regulation"), ("340100", "tax"), ("310000", "big_data"))
    }
    assert "legal_representative_id" in seen["market_regulation"]["form"]
    assert set(seen["tax"]["form"]) == {"uscc", "company_name", "destination_city"}
    assert set(seen["big_data"]["form"]) == {"legal_representative_id", "legal_representative_name"}
    assert seen["tax"]["documents"] == seen["big_data"]["documents"] == {}

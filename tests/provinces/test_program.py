"""The program: command line, books that survive kill -9, keys that rotate, the clock, the pages."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from provinces.__main__ import arguments, settings_of
from provinces.app import dialect_of
from provinces.credentials import BadCredentials
from tests.provinces.callers import CALLERS, KEYS, Shanghai, Zhejiang
from tests.provinces.places import COMPANY, Desk, Mailbox, Program

REGIONS = [caller.region for caller in CALLERS]


def settings(*words: str) -> dict[str, object]:
    return vars(settings_of(arguments(["--port", "0", *words])))


def test_region_and_port_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = settings("--region", "320000")
    assert (made["data"], made["controls"], made["pending_s"]) == (Path(".data/by-hand/320000"), True, 1.0)
    assert made["credentials"] is None


def test_controls_are_open_on_loopback_only_unless_somebody_says_so(tmp_path: Path) -> None:
    base = ("--region", "320000", "--data", str(tmp_path))
    for host, words, there in (
        ("127.0.0.1", [], True),
        ("localhost", [], True),
        ("::1", [], True),
        ("127.0.0.1", ["--no-controls"], False),
        ("0.0.0.0", [], False),
        ("0.0.0.0", ["--controls"], True),
        ("example.org", [], False),
    ):
        assert settings(*base, "--host", host, *words)["controls"] is there


def test_another_region_needs_a_dialect(tmp_path: Path) -> None:
    base = ("--region", "370000", "--data", str(tmp_path))
    with pytest.raises(SystemExit, match="--dialect"):
        settings(*base)
    made = settings_of(arguments(["--port", "0", *base, "--dialect", "zhejiang"]))
    assert dialect_of(made) == "zhejiang"
    with pytest.raises(SystemExit):
        settings("--region", "37", "--data", str(tmp_path))


async def test_a_region_of_its_own_speaks_the_dialect_it_was_given(tmp_path: Path) -> None:
    desk = Desk("370000", tmp_path, dialect="zhejiang")
    caller = Zhejiang(desk.client)
    done = await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    assert (done.state, done.number[:2]) == ("done", "37")
    await desk.aclose()


@pytest.mark.parametrize("region", REGIONS)
async def test_the_books_survive_kill_9(tmp_path: Path, region: str) -> None:
    place = Program(region, tmp_path, "--pending-seconds", "0.1", "--slow-seconds", "0")
    done = await place.caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    await asyncio.sleep(0.3)
    pending = await place.caller.send("apply", "market_regulation", "archive_handover", {"uscc": COMPANY})
    await place.kill()
    place.start()
    await asyncio.sleep(0.4)
    for sent in (done, pending):
        found = await place.caller.find(sent)
        assert found is not None
        assert (found.state, found.number) == ("done", sent.number)
    assert sorted(str(row["request_no"]) for row in await place.ledger()) == sorted([done.sent_as, pending.sent_as])
    assert await place.stop() == 0


@pytest.mark.parametrize("region", ["320000", "330000", "340000"])
async def test_keys_rotate_without_a_restart(tmp_path: Path, region: str) -> None:
    file = tmp_path / "keys.json"
    old, new = KEYS[region], KEYS[region] | {"secrets": ["another-secret-0123456789"]}
    both = KEYS[region] | {"secrets": [*new["secrets"], *old["secrets"]]}
    file.write_text(json.dumps(old))
    desk = Desk(region, tmp_path, credentials=file)
    mine, next_ = desk.caller, type(desk.caller)(desk.client, new)
    for content, old_good, new_good in ((old, True, False), (both, True, True), (new, False, True)):
        file.write_text(json.dumps(content))
        for caller, good in ((mine, old_good), (next_, new_good)):
            assert (region in (await caller.health()).text) == good
    for broken in ("{broken", "[]", '{"secrets": ["x"]}'):
        file.write_text(broken)
        assert region in (await next_.health()).text  # the last good ones stay in force
        with pytest.raises(BadCredentials):
            Desk(region, tmp_path, credentials=file)
    await desk.aclose()


async def test_shanghai_rotates_the_secrets_and_the_keys_of_its_callers(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"310000": KEYS["310000"]}))
    desk = Desk("310000", tmp_path, credentials=file)
    assert isinstance(desk.caller, Shanghai)
    assert (await desk.caller.health()).status_code == 200
    file.write_text(json.dumps(KEYS["310000"] | {"client_keys": {}, "client_secrets": ["other"]}))
    assert (await desk.caller.health()).json()["type"] == "urn:sh:signature-wrong"
    assert (await desk.caller.fetch_token()).status_code == 401
    await desk.aclose()


async def test_the_clock_is_kept_and_moves_what_is_due(tmp_path: Path) -> None:
    place = Program("330000", tmp_path, "--pending-seconds", "3600")
    taken = await place.caller.send("apply", "market_regulation", "archive_handover", {"uscc": COMPANY})
    moved = await place.client.post("/sim/clock", json={"now": "2027-02-03T10:00:00+08:00"})
    offset = moved.json()["offset_s"]
    assert moved.json()["now"].startswith("2027-02-03T02:00:0")
    await asyncio.sleep(0.2)
    then = await place.caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})  # signed at the true time
    assert (then.state, then.result["done_on"]) == ("done", "2027-02-03")
    await place.kill()
    place.start()
    found = await place.caller.find(taken)
    assert found is not None
    assert (found.state, found.result["done_on"]) == ("done", "2027-02-03")
    assert abs((await place.client.get("/sim/clock")).json()["offset_s"] - offset) < 1
    assert (await place.client.delete("/sim/clock")).json()["offset_s"] == 0
    odd: list[object] = [{"offset_s": "1"}, {"now": "soon"}, {"now": "2027-02-03T10:00:00"}, {}, [], {"offset_s": 1e20}]
    for body in odd:
        assert (await place.client.post("/sim/clock", json=body)).status_code == 422
    assert await place.stop() == 0


async def test_callbacks_go_where_they_are_sent_to_also_after_a_restart(tmp_path: Path, box: Mailbox) -> None:
    place = Program("310000", tmp_path, "--pending-seconds", "0")
    assert (await place.client.post("/sim/callback", json={"url": box.url})).json() == {"url": box.url}
    await place.caller.send("apply", "market_regulation", "archive_handover", {"uscc": COMPANY})
    await box.total(1)
    await place.kill()
    place.start()
    await place.caller.send("apply", "market_regulation", "archive_handover", {"uscc": COMPANY})
    await box.total(2)
    for odd in ("ftp://a/", "nowhere", 7, None):
        assert (await place.client.post("/sim/callback", json={"url": odd})).status_code == 422
    assert await place.stop() == 0


@pytest.mark.parametrize("region", REGIONS)
async def test_the_inbox_shows_what_came_in(tmp_path: Path, region: str) -> None:
    desk = Desk(region, tmp_path)
    sent = await desk.caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    (row,) = (await desk.client.get("/sim/requests?case_no=CASE-1")).json()["rows"]
    assert (row["request_no"], row["action"], row["fields"]) == (sent.sent_as, "apply", {"uscc": COMPANY})
    await desk.aclose()


@pytest.mark.parametrize("region", REGIONS)
async def test_the_page_works_without_scripts_and_escapes(tmp_path: Path, region: str) -> None:
    desk = Desk(region, tmp_path)
    await desk.caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY}, case="CASE-1")
    await desk.client.post("/sim/faults", json={"kind": "down", "operation": "<script>alert(1)</script>"})
    for lang, title in (("zh", "收件箱"), ("en", "Inbox")):
        shown = await desk.client.get(f"/?lang={lang}")
        assert title in shown.text
        assert "<script>" not in shown.text
        assert "&lt;script&gt;" in shown.text
        assert "CASE-1" in shown.text
        assert "default-src 'none'" in shown.headers["content-security-policy"]
    form = {"kind": "slow", "operation": "", "times": "2", "probability": "", "seconds": "0.5", "retry_after": ""}
    assert (await desk.client.post("/sim/faults", data=form)).status_code == 303
    assert (await desk.client.get("/sim/faults")).json()["faults"][1] | {"number": 0} == {
        "number": 0, "kind": "slow", "operation": "*", "times": 2, "probability": 1.0, "seed": 0, "seconds": 0.5,
        "retry_after": "2", "status": 400,
    }  # fmt: skip
    other_site = {"sec-fetch-site": "cross-site"}
    assert (await desk.client.post("/sim/faults", data=form, headers=other_site)).status_code == 422
    assert (await desk.client.post("/sim/clock", data={"offset_s": "60"})).status_code == 303
    assert (await desk.client.get("/sim/clock")).json()["offset_s"] == 60
    assert (await desk.client.post("/sim/faults", data={"clear": "1"})).status_code == 303
    assert (await desk.client.get("/sim/faults")).json()["faults"] == []
    await desk.aclose()


@pytest.mark.parametrize("region", REGIONS)
async def test_without_controls_there_is_no_page_and_no_switch(tmp_path: Path, region: str) -> None:
    desk = Desk(region, tmp_path, controls=False)
    for path in ("/", "/sim/ledger", "/sim/faults", "/sim/clock", "/sim/requests"):
        assert (await desk.client.get(path)).status_code == 404
    assert region in (await desk.caller.health()).text
    await desk.aclose()


async def test_another_seed_invents_others_and_the_same_seed_the_same(tmp_path: Path) -> None:
    names = []
    for number, seed in enumerate((0, 7, 7)):
        folder = tmp_path / str(number)
        folder.mkdir()
        desk = Desk("330000", folder, seed=seed)
        shown = await desk.caller.send(
            "preview", "market_regulation", "business_licence", {"holder_id": "91330100XXXX00123X"}
        )
        names.append(shown.result["holder_name"])
        await desk.aclose()
    assert names[1] == names[2] != names[0]


async def test_a_folder_belongs_to_one_province_at_a_time(tmp_path: Path) -> None:
    place = Program("330000", tmp_path)
    other = ["-m", "provinces", "--region", "330000", "--port", "0", "--data", str(tmp_path)]
    second = await asyncio.to_thread(subprocess.run, [sys.executable, *other], capture_output=True, text=True)
    assert (second.returncode, "another province runs on this folder" in second.stderr) == (1, True)
    await place.kill()
    place.start()
    assert await place.stop() == 0


async def test_a_port_that_is_taken_is_said_in_one_sentence(tmp_path: Path) -> None:
    place = Program("330000", tmp_path / "a")
    port = place.url.rpartition(":")[2]
    other = ["-m", "provinces", "--region", "330000", "--port", port, "--data", str(tmp_path / "b")]
    second = await asyncio.to_thread(subprocess.run, [sys.executable, *other], capture_output=True, text=True)
    assert second.returncode == 1
    assert second.stderr.startswith(f"--port {port}: cannot listen there")
    await place.stop()


async def test_where_callbacks_go_can_be_given_back_to_the_command_line(tmp_path: Path) -> None:
    desk = Desk("330000", tmp_path, callback_url="http://127.0.0.1:9/a")
    assert (await desk.client.post("/sim/callback", json={"url": "http://127.0.0.1:9/b"})).json()["url"].endswith("/b")
    assert (await desk.client.delete("/sim/callback")).json()["url"].endswith("/a")
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl -d says of its own accord
    assert (await desk.client.post("/sim/faults", content='{"kind": "down"}', headers=form)).status_code == 201
    assert (await desk.client.post("/sim/clock", json={"offset": 5})).json()["error"] == "give offset_s or now"
    await desk.aclose()

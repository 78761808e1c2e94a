"""The stack's part "insurance": five small programs, found through the file that the settings name."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from adapters.insurance import open_insurance
from tongban.settings import Settings
from tongban.stack import parts
from tongban.stack.agreements import INSURANCE
from tongban.stack.stack import Stack, read_stack_env

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


async def test_the_part_starts_alone_is_found_by_the_settings_and_keeps_its_secrets(tmp_path: Path) -> None:
    assert parts.INSURANCE in parts.ALL
    told = []
    for _ in range(2):
        with Stack(tmp_path, parts={"insurance"}, usual_ports=False, say=lambda _line: None) as stack:
            file = stack.settings["TONGBAN_INSURANCE_FILE"]
            async with open_insurance(file) as gate:
                assert gate.regions == tuple(sorted(INSURANCE))
                for region in INSURANCE:
                    await gate.health(region)
            assert read_stack_env(tmp_path / "stack.env")["TONGBAN_INSURANCE_FILE"] == file
            assert Settings.model_fields["insurance_file"].default is None
            told.append((stack.secrets.insurance_secrets.read_text(), stack.insurance_urls))
            for secret in (stack.secrets.insurance_secrets, stack.secrets.insurance_peers("hub")):
                assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert told[0] == told[1]


def test_a_stack_without_the_part_names_no_file(tmp_path: Path) -> None:
    with Stack(tmp_path, parts={"provinces"}, usual_ports=False, say=lambda _line: None) as stack:
        assert "TONGBAN_INSURANCE_FILE" not in stack.settings
        assert stack.insurance_urls == {}

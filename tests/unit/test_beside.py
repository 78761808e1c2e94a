"""What stands beside code and docs: the licence, the description for catalogues of public code, the picture."""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"  # of the text the foundation publishes


def test_the_licence_is_apache_2_word_for_word() -> None:
    ours = (ROOT / "LICENSE").read_text()
    blank = re.sub(r"Copyright \d{4} Tongban contributors", "Copyright [yyyy] [name of copyright owner]", ours)
    assert ours != blank
    assert hashlib.sha256(blank.encode()).hexdigest() == APACHE_2


def test_publiccode_describes_this_version() -> None:
    metadata = YAML(typ="safe", pure=True).load((ROOT / "publiccode.yml").read_text())
    assert metadata["publiccodeYmlVersion"] == "0.4"
    assert metadata["legal"]["license"] == "Apache-2.0"
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version
    assert metadata["softwareVersion"] == version[1]
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text()
    for described in metadata["description"].values():
        assert len(described["shortDescription"]) <= 150
        assert 150 <= len(described["longDescription"]) <= 10_000


def test_the_picture_shows_every_part_and_is_well_formed() -> None:
    picture = ElementTree.parse(ROOT / "docs" / "pictures" / "architecture.svg").getroot()
    words = " ".join(picture.itertext())
    for part in (
        "People",
        "API",
        "PostgreSQL",
        "outbox",
        "Relay",
        "Temporal",
        "Workers",
        "callbacks",
        "insurance platform",
        "hub",
        "e-bill",
    ):
        assert part in words
    for province in ("310000", "320000", "330000", "340000"):
        assert province in words

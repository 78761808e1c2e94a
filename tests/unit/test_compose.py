"""docker-compose.yml and Dockerfile, read: no container runs here."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from provinces.ebills.__main__ import arguments as ebills_arguments
from provinces.insurance.__main__ import arguments as insurance_arguments
from tongban.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"temporal-schema", "namespace", "migrate", "token"}
# what temporalio.envconfig reads (names in its binary part), as far as a deployment sets them
TEMPORAL_VARIABLES = {
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
    "TEMPORAL_API_KEY",
    "TEMPORAL_TLS",
    "TEMPORAL_TLS_CLIENT_CERT_PATH",
    "TEMPORAL_TLS_CLIENT_KEY_PATH",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
    "TEMPORAL_TLS_SERVER_NAME",
    "TEMPORAL_CONFIG_FILE",
    "TEMPORAL_PROFILE",
}
SETTINGS = {f"TONGBAN_{name.upper()}" for name in Settings.model_fields}


def test_it_follows_the_official_schema() -> None:
    schema = json.loads((files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json").read_text("utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(COMPOSE)


def test_the_schema_refuses_what_is_wrong() -> None:
    schema = json.loads((files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json").read_text("utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"api": {"imagee": "x"}}}, schema)


@pytest.mark.parametrize("name", SERVICES)
def test_each_variable_is_one_that_is_read(name: str) -> None:
    for variable in SERVICES[name].get("environment", {}):
        if variable.startswith("TONGBAN_"):
            assert variable in SETTINGS
        elif variable.startswith("TEMPORAL_"):
            assert variable in TEMPORAL_VARIABLES


def test_the_settings_suffice() -> None:
    environment = SERVICES["api"]["environment"]
    given = {k.removeprefix("TONGBAN_").lower(): v for k, v in environment.items() if k.startswith("TONGBAN_")}
    given["oidc_algorithms"] = json.loads(given["oidc_algorithms"])
    given["public_url"] = "http://127.0.0.1:8700"
    assert Settings.model_validate(given).mode == "demo"


@pytest.mark.parametrize("name", SERVICES)
def test_no_value_looks_like_a_secret(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search("PASSWORD|PWD|SECRET|KEY|TOKEN", variable):
            assert str(value).startswith("/run/secrets/"), variable
        assert not re.search(r"://[^/@:]+:[^/@]+@", str(value)), f"{variable} holds a password"
        if not str(value).startswith("/"):
            assert not re.fullmatch(r"[A-Za-z0-9+/=_-]{24,}", str(value)), variable


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_tells_its_health_or_ends(name: str) -> None:
    check = SERVICES[name].get("healthcheck", {})
    if name in ONE_SHOT:
        assert SERVICES[name]["restart"] != "unless-stopped"
    else:
        assert check["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_what_it_uses_is_declared(name: str) -> None:
    service = SERVICES[name]
    for secret in service.get("secrets", []):
        assert secret in COMPOSE["secrets"]
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"]
    for other, how in service.get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how["condition"] == wanted


def test_every_declared_volume_and_secret_is_used() -> None:
    used = {text for s in SERVICES.values() for text in s.get("secrets", [])}
    mounted = {text.split(":")[0] for s in SERVICES.values() for text in s.get("volumes", [])}
    assert used == set(COMPOSE["secrets"])
    assert set(COMPOSE["volumes"]) <= mounted


def test_only_this_machine_is_published_to() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_init_secrets_makes_every_file_the_compose_file_names(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from tongban.cli import app

    folder = tmp_path / "secrets"
    assert CliRunner().invoke(app, ["init-secrets", str(folder)]).exit_code == 0
    for name, secret in COMPOSE["secrets"].items():
        file = folder / Path(secret["file"]).name
        assert file.is_file(), name
        assert file.stat().st_mode & 0o444 == 0o444, f"{name}: another user inside a container cannot read it"
    assert folder.stat().st_mode & 0o077 == 0
    for row in json.loads((folder / "provinces.json").read_text()):
        assert f"province-{row['region']}" in SERVICES
        assert Path(row["credentials"]).name in SERVICES["worker-core"]["secrets"]


def test_every_platform_is_where_its_caller_and_its_peers_look_for_it(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from tongban.cli import app

    def made(name: str) -> Any:
        return json.loads((tmp_path / f"{name}.json").read_text())

    assert CliRunner().invoke(app, ["init-secrets", str(tmp_path)]).exit_code == 0
    platforms = made("insurance")
    assert {row["region"] for row in platforms} == {"310000", "320000", "330000", "340000", "hub"}
    for row in (*platforms, made("ebills")):
        named = re.fullmatch(r"http://([a-z0-9-]+):8080", row["url"])
        assert named is not None
        assert named[1] in SERVICES
        assert Path(row["credentials"]).name in SERVICES["api"]["secrets"]
    for region in (row["region"] for row in platforms):
        peers = made(f"insurance-peers-{region}")
        assert peers["tongban_secrets"] == made(f"insurance-caller-{region}")["secrets"]
        assert {url for name, url in peers.items() if name.endswith("_url")} <= {row["url"] for row in platforms}
        service = SERVICES[f"insurance-{region}"]
        given = insurance_arguments([*service["entrypoint"][3:], *service["command"]])
        assert (given.region, str(given.peers)) == (region, f"/run/secrets/{service['secrets'][0]}")
    ebills = SERVICES["ebills"]
    given = ebills_arguments([*ebills["entrypoint"][3:], *ebills["command"]])
    assert str(given.credentials) == f"/run/secrets/{ebills['secrets'][0]}"
    mine = made("caller-ebills")
    assert made("province-ebills") == {mine["access_key"]: mine["secrets"]}


def test_the_image_does_not_run_as_root() -> None:
    last_stage = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.M)[-1]
    users = re.findall(r"^USER (\d+)", last_stage, flags=re.M)
    assert users
    assert int(users[-1]) > 0


def test_base_images_are_pinned_to_a_version() -> None:
    images = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), flags=re.M)
    images += [service["image"] for service in SERVICES.values() if "build" not in service]
    for image in images:
        assert re.search(r":\d+\.\d+", image), image

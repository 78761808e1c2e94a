"""The command line. Every command imports what it needs when it runs, so that each starts fast and alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from tongban.commands import clearing, conformance, deadlines, migrate, new, provinces, reconcile, services, settle

if TYPE_CHECKING:
    from alembic.config import Config

    from tongban.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tongban 通办: government services that cross provincial borders.",
)
db = typer.Typer(no_args_is_help=True, help="Tables: upgrade, downgrade, current.")
app.add_typer(db, name="db")
app.command("deadline")(deadlines.deadline)
app.add_typer(deadlines.calendar, name="calendar")
app.add_typer(services.app, name="services")
app.command("migrate")(migrate.migrate)
app.command("reconcile")(reconcile.reconcile)
app.command("conformance")(conformance.conformance)
app.command("settle")(settle.settle)
app.add_typer(clearing.app, name="clearing")
app.add_typer(new.app, name="new")
app.add_typer(provinces.app, name="provinces")

DataDir = Annotated[
    Path, typer.Option("--data-dir", envvar="TONGBAN_DATA_DIR", help="Everything is kept in this folder.")
]
DEFAULT_DATA_DIR = Path(".data")
REFUSED = 2


def refuse(text: str) -> NoReturn:
    """Ends the command with one short text and status 2."""
    typer.echo(text, err=True)
    raise typer.Exit(REFUSED)


@contextmanager
def refusing() -> Iterator[None]:
    """A mistake in the provinces file ends the command with its sentence and status 2."""
    from adapters.entries import ConfigurationError

    try:
        yield
    except ConfigurationError as wrong:
        refuse(f"各省文件不可用。The provinces file cannot be used.\n{wrong}")


def settings_or_exit() -> Settings:
    """The settings; from a stack on this machine if the environment names no database. One sentence per wrong value."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from tongban.settings import Settings
    from tongban.stack.stack import STACK_ENV, read_stack_env

    file = Path(os.environ.get("TONGBAN_DATA_DIR", DEFAULT_DATA_DIR)) / STACK_ENV
    if "TONGBAN_DATABASE_URL" not in os.environ and file.exists():
        for name, value in read_stack_env(file).items():
            os.environ.setdefault(name, value)
    try:
        return Settings()
    except ValidationError as why:
        lines = []
        for error in why.errors(include_url=False, include_input=False, include_context=False):
            name = "".join(f"TONGBAN_{part}: ".upper() for part in error["loc"][:1])
            lines.append(name + error["msg"].removeprefix("Value error, "))
        refuse("\n".join(lines))
    except SettingsError as why:
        name = "".join(re.findall(r'field "(\w+)"', str(why))[:1])
        refuse(f'TONGBAN_{name.upper()}: must be JSON, for example ["ES256"]')


@app.command()
def api() -> None:
    """Serve the API."""
    settings = settings_or_exit()
    from tongban.serve import run

    with refusing():
        run(settings)


@app.command()
def worker(
    role: Annotated[list[str], typer.Option("--role", help="core, or province:320000; may be given several times.")],
) -> None:
    """Do the work: interpret cases (core), call provinces (province:NNNNNN)."""
    for name in role:
        if not re.fullmatch(r"core|province:[0-9]{6}", name):
            refuse(f"--role {name}: neither core nor province:NNNNNN")
    settings = settings_or_exit()
    import asyncio

    from tongban.worker import run

    with refusing():
        asyncio.run(run(settings, role))


@app.command()
def relay() -> None:
    """Send what the API could not: starts and callbacks; have orders confirmed; seal the audit trail."""
    settings = settings_or_exit()
    import asyncio

    from tongban.relay import run

    with refusing():
        asyncio.run(run(settings))


@app.command()
def token(
    role: Annotated[str, typer.Option(help="citizen, caseworker, supervisor, operator, integrator …")],
    region: Annotated[str | None, typer.Option(help="Division code of the office, six digits.")] = None,
    department: Annotated[str | None, typer.Option(help="Code of the department.")] = None,
    subject: Annotated[str | None, typer.Option(help="Who logs in; default: demo-ROLE.")] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 31, help="How long it is valid.")] = 12,
    name: Annotated[str | None, typer.Option(help="Verified name, for prefilling forms.")] = None,
    id_number: Annotated[str | None, typer.Option(help="Verified identity number or credit code.")] = None,
    key: Annotated[Path | None, typer.Option(help="Private signing key; default: the one in the data folder.")] = None,
) -> None:
    """Print a login for the demo. Refused outside demo mode: there the identity provider issues logins."""
    settings = settings_or_exit()
    from domain.messages import Role
    from tongban.settings import Mode
    from tongban.stack.keys import Secrets, sign_token

    if settings.mode is not Mode.DEMO:
        refuse("token: only in demo mode (TONGBAN_MODE=demo); here the identity provider issues logins")
    if role not in set(Role) - {Role.SYSTEM}:
        refuse(f"--role {role}: {', '.join(sorted(set(Role) - {Role.SYSTEM}))}")
    if role in {Role.CASEWORKER, Role.SUPERVISOR} and not (region and department):
        refuse(f"--role {role}: --region and --department are needed: a login without them could see nothing")
    signing_key = key or Secrets(settings.data_dir / "secrets").signing_key
    try:
        text = sign_token(
            signing_key,
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience,
            subject=subject or f"demo-{role}",
            hours=hours,
            claims={"role": role, "region": region, "department": department, "name": name, "id_number": id_number},
        )
    except OSError as why:
        refuse(f"token: the demo's signing key cannot be read: {why}")
    typer.echo(text)


@app.command()
def verify(
    ask_provinces: Annotated[
        bool, typer.Option("--ask-provinces", help="Also ask every province whether it knows what we know.")
    ] = False,
) -> None:
    """Check that nothing was lost, done twice or changed afterwards. 0: all holds, 1: broken, 3: not all checked."""
    settings = settings_or_exit()
    import asyncio

    from tongban.verify import run

    with refusing():
        raise typer.Exit(asyncio.run(run(settings, ask_provinces=ask_provinces)))


@app.command()
def up(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Run everything on this machine until Ctrl-C."""
    from tongban.stack.errors import Interrupted, StackError
    from tongban.stack.stack import Stack
    from tongban.stack.welcome import show

    try:
        stack = Stack(data_dir)
        with stack.signals(), stack:
            show(stack)
            stack.wait()
            typer.echo("stopping …", err=True)
    except Interrupted:
        raise typer.Exit(130) from None
    except StackError as why:
        refuse(str(why))


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def demo(context: typer.Context) -> None:
    """Start everything, take applications through four provinces, show and check them, stop."""
    from tongban.demo import run

    raise typer.Exit(run(list(context.args)))


@app.command("init-secrets")
def init_secrets(
    folder: Annotated[Path, typer.Argument(help="Where the files go; existing ones are kept.")],
    province_url: Annotated[str, typer.Option(help="Address of a province, {region} stands for its code.")] = (
        "http://province-{region}:8080"
    ),
    secrets_at: Annotated[str, typer.Option(help="Folder of the secrets as the containers see it.")] = "/run/secrets",
    insurance_url: Annotated[
        str, typer.Option(help="Address of an insurance platform or the hub, {region} stands for its code.")
    ] = "http://insurance-{region}:8080",
    ebills_url: Annotated[str, typer.Option(help="Address of the platform of fiscal e-bills.")] = "http://ebills:8080",
) -> None:
    """Generate the secret files and the lists of provinces and platforms that docker-compose.yml reads."""
    from tongban.stack.agreements import INSURANCE, ebills_file, insurance_file, provinces_file
    from tongban.stack.keys import REGIONS, Secrets
    from tongban.stack.parts import EBILLS

    made = Secrets(folder)
    made.generate((*REGIONS, EBILLS))
    platforms = {region: insurance_url.format(region=region) for region in INSURANCE}
    made.write_insurance(platforms)
    # a container's user is another one than ours: the files are readable, the folder lets only its owner in
    sides = [side(region) for region in INSURANCE for side in (made.insurance_peers, made.insurance_caller)]
    for file in (*made.files((*REGIONS, EBILLS)), *sides):
        file.chmod(0o444)
    folder.chmod(0o700)
    urls = {region: province_url.format(region=region) for region in REGIONS}
    provinces_file(folder / "provinces.json", urls, {region: f"{secrets_at}/caller-{region}" for region in REGIONS})
    callers = {region: f"{secrets_at}/insurance-caller-{region}" for region in INSURANCE}
    insurance_file(folder / "insurance.json", platforms, callers)
    ebills_file(folder / "ebills.json", ebills_url, f"{secrets_at}/caller-{EBILLS}")
    typer.echo(f"secrets are in {folder}; keep them out of version control")


@app.command()
def health(
    tcp: Annotated[list[str], typer.Option("--tcp", help="HOST:PORT that must accept connections; may be repeated.")],
) -> None:
    """For container health checks: status 0 if every named address accepts connections."""
    import socket

    for address in tcp:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
        except (OSError, ValueError) as why:
            typer.echo(f"{address}: {why}", err=True)
            raise typer.Exit(1) from None


def alembic_config(settings: Settings) -> Config:
    """Alembic without an ini file; migrations/env.py finds the settings in ``config.attributes["settings"]``."""
    from alembic.config import Config

    config = Config()
    folder = Path(__file__).resolve().parents[1] / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["settings"] = settings
    return config


@db.command()
def upgrade(revision: str = "head") -> None:
    """Bring the tables to a newer version."""
    settings = settings_or_exit()
    from alembic import command

    command.upgrade(alembic_config(settings), revision)


@db.command()
def downgrade(revision: str) -> None:
    """Take the tables back to an older version."""
    settings = settings_or_exit()
    from alembic import command

    command.downgrade(alembic_config(settings), revision)


@db.command()
def current() -> None:
    """Show the version of the tables."""
    settings = settings_or_exit()
    from alembic import command

    command.current(alembic_config(settings), verbose=True)

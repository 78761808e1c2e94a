"""What a person reads when everything is up: where things are, how to log in, one line to try, how to stop."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from domain.medical.access import AGENCY
from tongban.stack.keys import AUDIENCE, DEMO_ISSUER, sign_token, write_private
from tongban.stack.stack import Stack

LOGINS: dict[str, dict[str, str | None]] = {
    "citizen": {"role": "citizen"},
    "caseworker": {"role": "caseworker", "region": "320500", "department": "market_regulation"},
    "hospital": {"role": "institution", "region": "310104", "department": "H31010400001"},
    "agency": {"role": "caseworker", "region": "340500", "department": AGENCY},
}
HOURS = 24


def write_logins(stack: Stack) -> dict[str, Path]:
    """A token for each demo person, in files, so that a command line stays short and holds no secret."""
    files = {}
    for name, claims in LOGINS.items():
        files[name] = stack.data_dir / "tokens" / f"{name}.jwt"
        token = sign_token(
            stack.secrets.signing_key,
            issuer=stack.settings.get("TONGBAN_OIDC_ISSUER", DEMO_ISSUER),
            audience=stack.settings.get("TONGBAN_OIDC_AUDIENCE", AUDIENCE),
            subject=f"demo-{name}",
            hours=HOURS,
            claims=claims,
        )
        write_private(files[name], token + "\n")
    return files


def show(stack: Stack, console: Console | None = None) -> None:
    """Prints the panel, and below it, unwrapped, what can be pasted."""
    console = console or Console()
    files = write_logins(stack)
    table = Table.grid(padding=(0, 2))
    table.add_row("API", stack.api_url)
    table.add_row("its reference", stack.api_url + "/docs")
    if stack.temporal_ui_url:
        table.add_row("Temporal", stack.temporal_ui_url)
    for region, url in stack.province_urls.items():
        table.add_row(f"province {region}", url)
    for region, url in stack.insurance_urls.items():
        table.add_row(f"insurance {region}", url)
    if stack.ebills_url:
        table.add_row("e-bills", stack.ebills_url)
    table.add_row("logs", str(stack.data_dir / "logs"))
    table.add_row("stop", "Ctrl-C")
    console.print(Panel(table, title="Tongban 通办 is up", expand=False))
    for name, file in files.items():
        console.print(f"login {name} ({HOURS} h): ", end="", highlight=False)
        console.print(f"cat {shlex.quote(str(file))}", soft_wrap=True, markup=False, highlight=False)
    here = f"TONGBAN_DATA_DIR={shlex.quote(str(stack.data_dir))} {shlex.quote(sys.executable)}"
    other = f"{here} -m tongban token --role caseworker --region 310000 --department market_regulation"
    console.print(f"other logins: {other}", soft_wrap=True, highlight=False, markup=False)
    console.print("try it in another terminal:", highlight=False)
    bearer = f'"Authorization: Bearer $(cat {shlex.quote(str(files["citizen"]))})"'
    console.print(f"  curl -sS -H {bearer} {stack.api_url}/v1/services", soft_wrap=True, markup=False, highlight=False)

"""``settle``: who pays what of a medical bill, line by line; it needs neither login nor database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from domain.settlement import Claim, Fault, PolicyPack

    Told = list[tuple[Path, Fault]]


def settle(
    pack: Annotated[Path, typer.Option(help="A policy pack, or a folder of them: the day of discharge chooses.")],
    claim: Annotated[Path, typer.Option(help="The bill and whose it is.")],
    as_json: Annotated[bool, typer.Option("--json", help="What is wrong, too, as one JSON object.")] = False,
) -> None:
    """Settle a claim under a policy pack. Prints JSON; 0: settled; 2: not settled, with everything that is wrong."""
    from domain.settlement import SettlementRefused, document, settle

    told: Told = []
    packs, bill = _packs(pack, told), _claim(claim, told)
    if not packs or bill is None:
        _refuse(told, as_json=as_json)
    try:
        result = document(settle(_choose(pack, packs, bill), bill))
    except SettlementRefused as refused:
        _refuse([(claim, fault) for fault in refused.faults], as_json=as_json)
    typer.echo(json.dumps(result, ensure_ascii=False, indent=1))


def _packs(path: Path, told: Told) -> tuple[PolicyPack, ...]:
    from catalogue.packs import PackRefused, load_pack, load_packs
    from domain.settlement import Fault

    try:
        return load_packs(path) if path.is_dir() else (load_pack(path),)
    except PackRefused as refused:
        told += [(refused.file, fault) for fault in refused.faults]
    except OSError:
        told.append((path, Fault(code="unreadable")))
    return ()


def _claim(path: Path, told: Told) -> Claim | None:
    from domain.settlement import Fault, SettlementRefused, read_claim

    try:
        return read_claim(path.read_bytes())
    except SettlementRefused as refused:
        told += [(path, fault) for fault in refused.faults]
    except OSError:
        told.append((path, Fault(code="unreadable")))
    return None


def _choose(path: Path, packs: tuple[PolicyPack, ...], claim: Claim) -> PolicyPack:
    """A pack that was named as a file is not chosen: that it fits the claim is checked when it is settled."""
    from catalogue.packs import pack_for

    return pack_for(packs, claim) if path.is_dir() else packs[0]


def _refuse(told: Told, *, as_json: bool) -> NoReturn:
    from tongban.cli import REFUSED

    if as_json:
        errors = [
            {"file": _shown(file), "code": fault.code, "where": _shown(fault.where), "text": fault.text.model_dump()}
            for file, fault in told
        ]
        typer.echo(json.dumps({"errors": errors}, ensure_ascii=False, indent=1))
    for file, fault in told if not as_json else ():
        where = f" {_shown(fault.where)}:" if fault.where else ""
        typer.echo(f"{_shown(file)}:{where} {fault.code}: {fault.text.zh} {fault.text.en}", err=True)
    raise typer.Exit(REFUSED)


def _shown(name: Path | str) -> str:
    """Keys and file names are a stranger's: nothing of them steers a terminal or breaks the output."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(name))

"""``make bench``: measures and writes bench/results/*.json with the machine it ran on."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import adapters, clearing, latency, settlement, throughput
from bench.meter import machine

RESULTS = Path(__file__).parent / "results"
app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def main(
    what: Annotated[str, typer.Argument(help="throughput, latency, adapters, settlement, clearing or all")] = "all",
    pairs: Annotated[int, typer.Option(help="A/B pairs", min=1)] = 5,
    cases: Annotated[int, typer.Option(help="cases per run", min=1)] = 100,
    concurrency: Annotated[int, typer.Option(help="cases open at a time", min=1)] = 20,
    stored: Annotated[int, typer.Option(help="cases in the database while latency is measured")] = 100_000,
    settlements: Annotated[int, typer.Option(help="settlements in the month that is cleared", min=1)] = 1_000_000,
    name: Annotated[str, typer.Option(help="name of the result file")] = "",
) -> None:
    """Starts a stack of its own in a temporary folder, measures, stops."""
    out = Console()
    result: dict[str, object] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    if what in {"throughput", "all"}:
        with tempfile.TemporaryDirectory(prefix="tongban-bench-") as folder:
            Path(folder).chmod(0o755)
            sizes = throughput.Sizes(pairs=pairs, cases=cases, concurrency=concurrency)
            result["throughput"] = throughput.run(sizes, out, Path(folder))
    if what in {"latency", "all"}:
        with tempfile.TemporaryDirectory(prefix="tongban-bench-") as folder:
            Path(folder).chmod(0o755)
            result["latency"] = latency.run(stored, out, Path(folder))
    if what in {"adapters", "all"}:
        result["adapters"] = adapters.run(500, out)
    if what in {"settlement", "all"}:
        result["settlement"] = settlement.run(3.0, out)
    if what in {"clearing", "all"}:
        with tempfile.TemporaryDirectory(prefix="tongban-bench-") as folder:
            Path(folder).chmod(0o755)
            result["clearing"] = clearing.run(settlements, out, Path(folder))
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name or what}.json"
    file.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    out.print_json(json.dumps(result))
    out.print(f"written to {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}")


app()

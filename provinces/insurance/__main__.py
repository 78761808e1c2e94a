"""``python -m provinces.insurance --region 340000 --port 8745``: one platform, or with ``--region hub`` the hub."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from provinces.__main__ import Server, alone, is_loopback, run
from provinces.credentials import BadCredentials
from provinces.insurance.app import TEST_PEERS, Platform, Settings, build_app
from provinces.insurance.register import HUB, REGIONS

log = logging.getLogger("provinces.insurance")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m provinces.insurance", description="A simulated medical-insurance platform."
    )
    add = parser.add_argument
    add("--region", required=True, choices=[*REGIONS, HUB])
    add("--port", type=int, required=True, help="0 takes a free one and prints it")
    add("--host", default="127.0.0.1")
    add("--data", type=Path, help="folder of its database; default .data/by-hand/insurance-REGION")
    add("--peers", type=Path, default=TEST_PEERS, help="JSON: addresses and secrets; default: known to everybody")
    add("--hop-timeout", type=float, default=4.0, help="seconds it waits for the next hop")
    add("--seed", type=int, default=0, help="another number throws other dice for faults")
    controls = parser.add_mutually_exclusive_group()
    controls.add_argument("--controls", action="store_true", help="opens /sim; the default on loopback")
    controls.add_argument("--no-controls", action="store_true", help="closes it")
    add("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    return parser.parse_args(given)


def main() -> None:
    """Runs until SIGTERM or SIGINT, answers what is under way, and ends with 0."""
    args = arguments()
    logging.basicConfig(level=args.log_level.upper())
    data = args.data or Path(".data/by-hand") / f"insurance-{args.region}"
    data.mkdir(parents=True, exist_ok=True)
    if not alone(data):
        raise SystemExit(f"{data}: another platform runs on this folder; give --data")
    if args.peers == TEST_PEERS and not is_loopback(args.host):
        log.warning("reachable from outside with test secrets that everybody knows")
    controls = not args.no_controls and (args.controls or is_loopback(args.host))
    try:
        app = build_app(Settings(args.region, data, args.peers, args.hop_timeout, controls, args.seed))
    except (BadCredentials, OSError) as wrong:
        raise SystemExit(f"{args.peers}: {wrong}") from None
    platform: Platform = app.state.platform

    def opened(server: Server) -> None:
        platform.close_door = server.close_door

    run(app, args.host, args.port, args.log_level, opened)


if __name__ == "__main__":
    main()

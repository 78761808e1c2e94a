"""``python -m provinces.ebills --port 8741 --data DIR``: the e-bill platform as a process."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

import uvicorn

from provinces.__main__ import Server, alone, is_loopback, listening
from provinces.credentials import BadCredentials
from provinces.ebills.app import Platform, Settings, build_app


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m provinces.ebills", description="A simulated e-bill platform.")
    add = parser.add_argument
    add("--port", type=int, required=True, help="0 takes a free one and prints it")
    add("--host", default="127.0.0.1")
    add("--data", type=Path, default=Path(".data/by-hand/ebills"), help="folder of its database")
    add("--credentials", type=Path, help="JSON: client to list of secrets; default: well-known test credentials")
    add("--numbers", type=Path, help="JSON: how bill numbers look; default: provinces/ebill_numbers.json")
    add("--seed", type=int, default=0, help="of faults that bring none of their own")
    controls = parser.add_mutually_exclusive_group()
    controls.add_argument("--controls", action="store_true", help="opens /sim; the default on loopback")
    controls.add_argument("--no-controls", action="store_true", help="closes it")
    add("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    return parser.parse_args(given)


def main() -> None:
    """Runs until SIGTERM or SIGINT, answers what is under way, and ends with 0."""
    args = arguments()
    logging.basicConfig(level=args.log_level.upper())
    args.data.mkdir(parents=True, exist_ok=True)
    if not alone(args.data):
        raise SystemExit(f"{args.data}: another platform runs on this folder; give --data")
    controls = not args.no_controls and (args.controls or is_loopback(args.host))
    try:
        app = build_app(Settings(args.data, controls, args.credentials, args.seed, args.numbers))
    except (BadCredentials, OSError) as error:
        raise SystemExit(f"{args.credentials or args.data}: {error}") from None
    # uvicorn raises the signal again when it is done; without these the exit code would not be 0
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    config = uvicorn.Config(
        app, http="h11", ws="none", loop="asyncio", lifespan="on", log_level=args.log_level,
        access_log=False, timeout_keep_alive=75, timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = Server(config)
    platform: Platform = app.state.platform
    platform.close_door = server.close_door
    try:
        listener = listening(args.host, args.port)
    except OSError as taken:
        raise SystemExit(f"--port {args.port}: cannot listen there ({taken.strerror})") from None
    asyncio.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    main()

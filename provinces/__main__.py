"""``python -m provinces --region 340000 --port 8401 --data DIR``: one simulated province as a process."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from provinces.app import Settings, build_app


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m provinces", description="A simulated provincial back office.")
    parser.add_argument("--region", required=True, help="six-digit code of the province, e.g. 340000")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one and prints it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, required=True, help="folder of its database")
    parser.add_argument("--callback-url", default="", help="where results of pending requests are sent")
    parser.add_argument("--secret-file", type=Path, help="shared secret; default DATA/secret, made if missing")
    parser.add_argument("--pending-seconds", type=float, default=1.0, help="how long a pending service takes")
    parser.add_argument("--no-auto-pay", action="store_true", help="fees wait for somebody who pays at /pay/NUMBER")
    parser.add_argument("--controls", action="store_true", help="opens /sim: faults, ledger, callbacks")
    parser.add_argument("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    return parser.parse_args(given)


def read_secret(file: Path | None, data: Path) -> bytes:
    """The shared secret without surrounding white space; a random one is made when no file is named."""
    if file is None:
        file = data / "secret"
        if not file.exists():
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as made:
                made.write(secrets.token_hex(32))
    secret = file.read_bytes().strip()
    if len(secret) < 16:
        raise SystemExit(f"the secret in {file} is shorter than 16 bytes")
    return secret


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets and not self.should_exit:
            host, port = sockets[0].getsockname()[:2]
            sys.stdout.write(f"listening on {host}:{port}\n")
            sys.stdout.flush()


def main() -> None:
    """Runs until SIGTERM or SIGINT, answers what is under way, and ends with 0."""
    args = arguments()
    if len(args.region) != 6 or not args.region.isdigit():
        raise SystemExit("--region is six digits")
    logging.basicConfig(level=args.log_level.upper())
    args.data.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        region=args.region, data=args.data, secret=read_secret(args.secret_file, args.data),
        callback_url=args.callback_url, pending_s=args.pending_seconds, controls=args.controls,
        auto_pay=not args.no_auto_pay,
    )  # fmt: skip
    # uvicorn raises the signal again when it is done; without these the exit code would not be 0
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    config = uvicorn.Config(
        build_app(settings), http="h11", ws="none", loop="asyncio", lifespan="on", log_level=args.log_level,
        access_log=False, timeout_keep_alive=75, timeout_graceful_shutdown=5,
    )  # fmt: skip
    listener = socket.create_server((args.host, args.port), backlog=512)
    # accepted sockets inherit this; asyncio does not set it on them, and without it each answer waits 40 ms for an ACK
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    asyncio.run(_Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main()

"""``python -m provinces --region 340000 --port 8401``: one simulated province as a process."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from provinces.app import Province, Settings, build_app, dialect_of
from provinces.credentials import BadCredentials
from provinces.faces import DIALECTS

log = logging.getLogger("provinces")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m provinces", description="A simulated provincial back office.")
    add = parser.add_argument
    add("--region", required=True, help="six-digit code of the province, e.g. 340000")
    add("--port", type=int, required=True, help="0 takes a free one and prints it")
    add("--host", default="127.0.0.1")
    add("--data", type=Path, help="folder of its database; default .data/by-hand/REGION")
    add("--dialect", default="", choices=["", *DIALECTS], help="for a region that has none of its own")
    add("--credentials", type=Path, help="JSON; read again when it changes; default: well-known test credentials")
    add("--callback-url", default="", help="where results of pending requests are sent")
    add("--pending-seconds", type=float, default=1.0, help="how long a pending service takes")
    add("--slow-seconds", type=float, default=0.15, help="how long 340000 takes over every request")
    add("--seed", type=int, default=0, help="another number invents other holders and throws other dice for faults")
    add("--no-auto-pay", action="store_true", help="fees wait for somebody who pays at /pay/NUMBER")
    controls = parser.add_mutually_exclusive_group()
    controls.add_argument("--controls", action="store_true", help="opens /sim and the page; the default on loopback")
    controls.add_argument("--no-controls", action="store_true", help="closes them")
    add("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    return parser.parse_args(given)


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings a command line stands for; makes the data folder."""
    if len(args.region) != 6 or not (args.region.isascii() and args.region.isdigit()):
        raise SystemExit("--region is six digits")
    data = args.data or Path(".data/by-hand") / args.region
    data.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        region=args.region, data=data, callback_url=args.callback_url,
        pending_s=args.pending_seconds, controls=not args.no_controls and (args.controls or is_loopback(args.host)),
        auto_pay=not args.no_auto_pay, dialect=args.dialect, credentials=args.credentials, slow_s=args.slow_seconds,
        seed=args.seed,
    )  # fmt: skip
    if not dialect_of(settings):
        raise SystemExit(f"{args.region} has no dialect of its own: give --dialect {'|'.join(DIALECTS)}")
    return settings


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def alone(folder: Path) -> bool:
    """Takes the folder for this process; False if another one has it. The lock goes with the process."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return False
    return True


class Server(uvicorn.Server):
    """Says where it listens once it does, and can stop listening for a while."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._reopening: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets and not self.should_exit:
            host, port = sockets[0].getsockname()[:2]
            sys.stdout.write(f"listening on {host}:{port}\n")
            sys.stdout.flush()

    def close_door(self, seconds: float) -> None:
        """Nobody listens for so long: connections are refused, idle ones closed; what is under way is answered."""
        if self._reopening is not None and not self._reopening.done():
            return
        address = self.servers[0].sockets[0].getsockname()[:2]
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        self._reopening = asyncio.create_task(self._reopen(address[0], address[1], seconds))

    async def _reopen(self, host: str, port: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        made = partial(H11Protocol, self.config, self.server_state, self.lifespan.state)
        while True:
            try:
                listener = listening(host, port)
                break
            except OSError:  # somebody else sits there for the moment
                await asyncio.sleep(0.05)
        self.servers = [await asyncio.get_running_loop().create_server(made, sock=listener)]


def listening(host: str, port: int) -> socket.socket:
    """A listening socket."""
    listener = socket.create_server((host, port), backlog=512)
    # accepted sockets inherit this; asyncio does not set it on them, and without it each answer waits 40 ms for an ACK
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def run(app: Starlette, host: str, port: int, log_level: str, opened: Callable[[Server], None]) -> None:
    """Serves until SIGTERM or SIGINT, answers what is under way. ``opened``: told of the server before it starts."""
    # uvicorn raises the signal again when it is done; without these the exit code would not be 0
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    config = uvicorn.Config(
        app, http="h11", ws="none", loop="asyncio", lifespan="on", log_level=log_level,
        access_log=False, timeout_keep_alive=75, timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = Server(config)
    opened(server)
    try:
        listener = listening(host, port)
    except OSError as taken:
        raise SystemExit(f"--port {port}: cannot listen there ({taken.strerror})") from None
    asyncio.run(server.serve(sockets=[listener]))


def main() -> None:
    """Runs until SIGTERM or SIGINT, answers what is under way, and ends with 0."""
    args = arguments()
    logging.basicConfig(level=args.log_level.upper())
    settings = settings_of(args)
    if not alone(settings.data):
        raise SystemExit(f"{settings.data}: another province runs on this folder; give --data")
    if args.credentials is None and not is_loopback(args.host):
        log.warning("reachable from outside with test credentials that everybody knows")
    try:
        app = build_app(settings)
    except (BadCredentials, OSError) as error:
        raise SystemExit(f"{args.credentials or settings.data}: {error}") from None
    province: Province = app.state.province

    def opened(server: Server) -> None:
        province.house.close_door = server.close_door

    run(app, args.host, args.port, args.log_level, opened)


if __name__ == "__main__":
    main()

"""``python -m tongban api``: the JSON API by uvicorn."""

from __future__ import annotations

import asyncio

import uvicorn

from api.app import create_app
from tongban.settings import Settings
from tongban.wiring import configure_logging, open_house


def run(settings: Settings) -> None:
    """Serves until the process is told to stop; requests under way are let to end."""
    configure_logging(settings.log_level)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with open_house(settings) as house:
        config = uvicorn.Config(
            create_app(house),
            host=settings.api_host,
            port=settings.api_port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            timeout_keep_alive=30,
        )
        await uvicorn.Server(config).serve()

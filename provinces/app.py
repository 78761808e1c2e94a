"""One province as an ASGI application: its face, the cashier, and with controls ``/sim``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provinces.callbacks import Messenger
from provinces.clock import Clock
from provinces.controls import Controls
from provinces.credentials import Credentials
from provinces.faces import DIALECTS, HOME
from provinces.faces.base import route
from provinces.faults import Switchboard
from provinces.house import House, Settings
from provinces.html import form, page, paragraph
from provinces.office import Office
from provinces.store import Store

__all__ = ["Province", "Settings", "build_app", "dialect_of"]

# whose test credentials a region without any of its own gets
_HOME_OF = {dialect: f"{digits}0000" for digits, dialect in HOME.items()}


def dialect_of(settings: Settings) -> str:
    """The dialect of a region, by name or by its first two digits; "" if it has none."""
    return settings.dialect or HOME.get(settings.region[:2], "")


class Province:
    """Everything of one province that runs in one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        dialect = dialect_of(settings)
        kind = DIALECTS[dialect]
        credentials = Credentials(
            settings.region if settings.credentials else _HOME_OF.get(dialect, settings.region),
            settings.credentials,
            kind.credentials,
        )
        self.store = Store(settings.data / "province.sqlite")
        self.clock = Clock(self.store)
        self.faults = Switchboard(settings.seed)
        self.office = Office(
            settings.region, self.store, self.clock, settings.pending_s, auto_pay=settings.auto_pay, seed=settings.seed
        )
        self.house = House(settings, self.store, self.clock, self.faults, self.office, credentials)
        self.face = kind(self.house)
        self.messenger = Messenger(self.house, {kind.name: self.face})

    async def health(self, request: Request) -> Response:
        """GET /health, unsigned, for whoever supervises the process."""
        return JSONResponse({"status": "up", "regionCode": self.settings.region})

    async def cashier(self, request: Request) -> Response:
        """GET, POST /pay/{number}: where a person pays a fee; ``result=failed`` tries in vain."""
        number = request.path_params["number"]
        bill = self.office.bill(number)
        if bill is None:
            return JSONResponse({"error": "no_such_bill"}, 404)
        if request.method == "POST":
            succeeded = request.query_params.get("result") != "failed"
            if not self.office.pay(number, succeeded=succeeded):
                return JSONResponse({"error": "nothing_to_pay"}, 409)
            return JSONResponse({"number": number, "paid": succeeded})
        fen = bill.fields.get("amount_fen", "0")
        whole, cents = divmod(int(fen) if fen.isascii() and fen.isdigit() else 0, 100)
        done = "已支付 paid" if bill.state == "done" else "待支付 to be paid"
        button = form(f"/pay/{number}", (), "支付 Pay") if bill.state == "in_progress" else ""
        return page(f"缴费单 Bill {number}", paragraph(f"¥{whole}.{cents:02} · {done}"), button)

    def routes(self) -> list[Route]:
        """The face last: it may answer for every address that is not there."""
        own = [
            route("/health", self.health, ["GET"]),
            route("/pay/{number}", self.cashier, ["GET", "POST"]),
        ]
        if self.settings.controls:
            own += Controls(self.house, self.messenger, dialect_of(self.settings)).routes()
        return own + self.face.routes()


def build_app(settings: Settings) -> Starlette:
    """The program as an ASGI application; its lifespan runs the messenger."""
    province = Province(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await province.messenger.start()
        yield
        await province.messenger.stop()
        province.store.close()

    app = Starlette(routes=province.routes(), lifespan=lifespan)
    app.state.province = province
    return app

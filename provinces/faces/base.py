"""What a face is: routes in, letters out."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import ClassVar, TypeGuard, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from provinces.house import House
from provinces.store import Matter
from provinces.visit import Visit, serve
from provinces.words import Code, Problem

NAME = re.compile(r"[a-z0-9_]{1,64}")
KEY = re.compile(r"[0-9a-f]{64}")
MONEY = "_fen"
"""How the name of a field ends that is money."""
FEN = re.compile(r"-?[0-9]{1,15}")

Endpoint = Callable[[Request], Awaitable[Response]]
V = TypeVar("V", bound=Visit)


class Face(ABC):
    """One dialect in front of the office."""

    name: ClassVar[str]
    credentials: ClassVar[tuple[str, ...]] = ()
    """Names of what it cannot do without."""

    def __init__(self, house: House) -> None:
        self.house = house

    @abstractmethod
    def routes(self) -> list[Route]:
        """Where it is reached."""

    def letter(self, matter: Matter, what: str, event_no: str) -> str | None:
        """The body of the event that tells of ``taken``, ``wants`` or ``ended``; None where nobody is told."""
        return None

    def seal(self, url: str, body: bytes, now: float, *, forged: bool) -> dict[str, str]:
        """The headers of an event."""
        raise NotImplementedError

    def visits(self, opening: Callable[[House, Request, bytes], Visit]) -> Endpoint:
        """An endpoint that takes its requests through the house."""

        async def endpoint(request: Request) -> Response:
            return await serve(self.house, request, opening)

        return endpoint


def malformed(detail: str) -> Problem:
    """A request nobody can read."""
    return Problem(Code.MALFORMED, detail)


def route(path: str, endpoint: Endpoint, methods: Iterable[str]) -> Route:
    """One route; HEAD is not offered beside GET."""
    made = Route(path, endpoint, methods=list(methods))
    if made.methods is not None:
        made.methods.discard("HEAD")
    return made


def read_json(body: bytes, *, parse_float: Callable[[str], object] = float) -> dict[str, object]:
    """A JSON object in UTF-8; raises Problem. Names that come twice are refused: two readers would read two things."""
    try:
        read = json.loads(body.decode("utf-8"), parse_float=parse_float, parse_constant=_no, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise malformed("body_is_no_json") from None
    if not isinstance(read, dict):
        raise malformed("body_is_no_object")
    return read


def text_of(body: Mapping[str, object], name: str, pattern: re.Pattern[str] | None = None) -> str:
    """One text, "" if it is not there; raises Problem if it is no text or not of that shape."""
    value = body.get(name, "")
    if not _is_text(value) or len(value) > 4096:
        raise malformed("wrong_types")
    if value and pattern is not None and not pattern.fullmatch(value):
        raise malformed(f"{name}_misshapen")
    return value


def fields_of(value: object, money: Callable[[object], str]) -> dict[str, str]:
    """Fields off the wire: texts, and money by whatever rule the dialect has for it; raises Problem."""
    if not isinstance(value, dict):
        raise malformed("wrong_types")
    fields = {}
    for name, given in value.items():
        if not NAME.fullmatch(name):
            raise malformed("field_name_misshapen")
        if name.endswith(MONEY):
            fields[name] = money(given)
        elif _is_text(given):
            fields[name] = given
        else:
            raise malformed("wrong_types")
    return fields


def money_text(given: object) -> str:
    """Money that travels as a text of fen."""
    if not isinstance(given, str) or not FEN.fullmatch(given):
        raise malformed("money_misshapen")
    return str(int(given))


def _is_text(value: object) -> TypeGuard[str]:
    """JSON can spell half a character, which is no text anywhere else."""
    return isinstance(value, str) and not any("\ud800" <= each <= "\udfff" for each in value)


def _no(constant: str) -> object:
    raise ValueError(constant)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice")
    return dict(pairs)

"""Who is calling: a bearer token of the OIDC issuer, checked for signature, algorithm, issuer, audience and time."""

from __future__ import annotations

import hashlib
import json
import re
import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from api.house import House, house
from api.limits import RateLimit
from domain.errors import Refusal
from domain.messages import Actor, Role

LEEWAY_S = 30
REMEMBERED = 4096
REMEMBER_S = 60.0
LONGEST_TOKEN = 8192
_SUBJECT = re.compile(r"[!-~]{1,200}")
_REGION = r"3[1-4][0-9]{4}"
_PLACED = {
    Role.CASEWORKER: r"[a-z_]{1,40}",
    Role.SUPERVISOR: r"[a-z_]{1,40}",
    Role.INSTITUTION: r"[HP][0-9]{11}",  # its department is the institution's code (domain note 6)
}


@dataclass(frozen=True)
class Login:
    """What a token says. ``name``, ``number``: as the identity provider has verified them, or empty."""

    actor: Actor
    name: str = ""
    number: str = ""


class _Remembered:
    """Tokens that were checked lately: a signature costs a third of a millisecond, and pages ask often."""

    def __init__(self) -> None:
        self._items: OrderedDict[bytes, tuple[float, Login]] = OrderedDict()

    def get(self, digest: bytes) -> Login | None:
        found = self._items.get(digest)
        return found[1] if found is not None and found[0] > time.time() else None

    def put(self, digest: bytes, until: float, login: Login) -> None:
        self._items[digest] = (min(until, time.time() + REMEMBER_S), login)
        while len(self._items) > REMEMBERED:
            self._items.popitem(last=False)


async def actor_of(request: Request) -> Actor:
    """The caller; Refusal(unauthenticated) otherwise."""
    return (await login_of(request)).actor


async def login_of(request: Request) -> Login:
    """The caller with what his login says of him; Refusal(unauthenticated) otherwise."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN:
        raise Refusal("unauthenticated")
    h = house(request)
    remembered: _Remembered = request.app.state.__dict__.setdefault("_remembered", _Remembered())
    digest = hashlib.sha256(token.encode()).digest()
    login = remembered.get(digest)
    if login is None:
        claims = await _verified(token, h)
        login = Login(_actor(claims), _said(claims, "name"), _said(claims, "id_number"))
        remembered.put(digest, float(claims["exp"]), login)  # type: ignore[arg-type]
    limit: RateLimit = request.app.state.rate_limit
    limit.take(login.actor.subject)
    return login


def _said(claims: dict[str, object], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) and len(value) <= 100 else ""


async def _verified(token: str, h: House) -> dict[str, object]:
    keys = await h.login.keys.keys(_key_id(token))
    required = {"essential": True}
    registry = JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": h.login.issuer},
        aud={"essential": True, "value": h.login.audience},
        exp=required,  # type: ignore[arg-type]
        sub=required,  # type: ignore[arg-type]
    )
    try:
        decoded = jwt.decode(token, keys, algorithms=list(h.login.algorithms))
        registry.validate(decoded.claims)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Refusal("unauthenticated") from error
    return dict(decoded.claims)


def _key_id(token: str) -> str | None:
    """The key id a token names, to notice a new key; believed only as that."""
    try:
        head = token.split(".", 1)[0]
        header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        kid = header.get("kid")
    except (ValueError, AttributeError, RecursionError):
        raise Refusal("unauthenticated") from None
    return kid if isinstance(kid, str) else None


def _actor(claims: dict[str, object]) -> Actor:
    subject, role = claims.get("sub"), claims.get("role")
    region, department = claims.get("region") or "", claims.get("department") or ""
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise Refusal("unauthenticated")
    if not isinstance(role, str) or role not in set(Role) - {Role.SYSTEM}:
        raise Refusal("unauthenticated")
    if not isinstance(region, str) or not isinstance(department, str):
        raise Refusal("unauthenticated")
    kind = Role(role)
    if kind in _PLACED and not (re.fullmatch(_REGION, region) and re.fullmatch(_PLACED[kind], department)):
        raise Refusal("unauthenticated")  # a caseworker of nowhere may do nothing
    return Actor(subject=subject, role=kind, region=region, department=department)


Caller = Annotated[Actor, Depends(actor_of)]
LoggedIn = Annotated[Login, Depends(login_of)]


def need(actor: Actor, *roles: Role) -> None:
    """Refusal(forbidden) unless the caller has one of these roles."""
    if actor.role not in roles:
        raise Refusal("forbidden")

"""The people of the demo: each has a login and speaks to the public API over HTTP, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from tongban.demo.course import Desk
from tongban.stack.keys import AUDIENCE, DEMO_ISSUER, sign_token
from tongban.stack.stack import Stack

TRY_FOR_S = 20.0
M = TypeVar("M", bound=BaseModel)


class DemoError(Exception):
    """The demo cannot go on; the message says what was expected and what came."""


class Person:
    """Somebody before the API. Every call may be sent again: the API makes repeated orders harmless."""

    def __init__(self, url: str, halt: Callable[[], None], token: str = "") -> None:
        self._halt = halt
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=15, trust_env=False)

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; sent again while the API cannot be reached or asks for patience."""
        until = time.monotonic() + TRY_FOR_S
        while True:
            self._halt()
            try:
                answer = self._client.request(method, path, **more)
                if answer.status_code not in {429, 503}:
                    return answer
                why = f"{answer.status_code}: {answer.text[:300]}"
            except httpx.TransportError as error:
                why = type(error).__name__
            if time.monotonic() > until:
                raise DemoError(f"{method} {path}: {why}")
            time.sleep(0.3)

    def do(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request that has to succeed."""
        answer = self.call(method, path, **more)
        if not answer.is_success:
            raise DemoError(f"{method} {path}: {answer.status_code}: {answer.text[:500]}")
        return answer

    def read(self, kind: type[M], path: str, **more: Any) -> M:
        """GET, as a message of that kind."""
        return kind.model_validate(self.do("GET", path, **more).json())

    def stream(self, path: str, after: int) -> AbstractContextManager[httpx.Response]:
        """An open stream of server-sent events after that number; a context manager."""
        timeout = httpx.Timeout(10, read=30)
        return self._client.stream("GET", path, headers={"Last-Event-ID": str(after)}, timeout=timeout)

    def close(self) -> None:
        """Lets go of the connections."""
        self._client.close()


class People:
    """Everybody of one course: the applicant, whoever watches his case, a passer-by, caseworkers as they are met."""

    def __init__(self, stack: Stack, halt: Callable[[], None]) -> None:
        self._stack, self._halt = stack, halt
        self._desks: dict[Desk, Person] = {}
        citizen = self._token("demo-citizen", {"role": "citizen"})
        self.citizen = Person(stack.api_url, halt, citizen)
        self.watcher = Person(stack.api_url, lambda: None, citizen)
        self.public = Person(stack.api_url, halt)

    def at(self, desk: Desk) -> Person:
        """The caseworker of that desk."""
        if desk not in self._desks:
            subject = "-".join(filter(None, ("demo-caseworker", desk.region, desk.department, desk.person)))
            claims = {"role": "caseworker", "region": desk.region, "department": desk.department}
            self._desks[desk] = Person(self._stack.api_url, self._halt, self._token(subject, claims))
        return self._desks[desk]

    def close(self) -> None:
        """Everybody lets go of his connections."""
        for person in (self.citizen, self.watcher, self.public, *self._desks.values()):
            person.close()

    def _token(self, subject: str, claims: Mapping[str, str]) -> str:
        settings = self._stack.settings
        return sign_token(
            self._stack.secrets.signing_key,
            issuer=settings.get("TONGBAN_OIDC_ISSUER", DEMO_ISSUER),
            audience=settings.get("TONGBAN_OIDC_AUDIENCE", AUDIENCE),
            subject=subject,
            hours=1,
            claims=claims,
        )

"""The people of the demo: each has a login and speaks to the public API over HTTP, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from tongban.stack.keys import AUDIENCE, DEMO_ISSUER, sign_token
from tongban.stack.stack import Stack

TRY_FOR_S = 20.0
M = TypeVar("M", bound=BaseModel)


class DemoError(Exception):
    """The demo cannot go on; the message says what was expected and what came."""


class Person:
    """One login. Every call may be sent again: the API makes repeated orders harmless."""

    def __init__(
        self, stack: Stack, halt: Callable[[], None], role: str = "", region: str = "", department: str = ""
    ) -> None:
        self._halt = halt
        headers = {}
        if role:
            claims = {"role": role, "region": region, "department": department}
            token = sign_token(
                stack.secrets.signing_key,
                issuer=stack.settings.get("TONGBAN_OIDC_ISSUER", DEMO_ISSUER),
                audience=stack.settings.get("TONGBAN_OIDC_AUDIENCE", AUDIENCE),
                subject=f"demo-{role}-{region}" if region else f"demo-{role}",
                hours=1,
                claims=claims,
            )
            headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(base_url=stack.api_url, headers=headers, timeout=15, trust_env=False)

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

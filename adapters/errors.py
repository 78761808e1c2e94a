"""The one error tree of the provincial port.

    ProvinceError                     who can act            what to do
    ├── Unavailable(retry_after)      the province           try again later; nothing was done (refused, 429, 503)
    ├── Ambiguous                     nobody yet             unknown outcome (time-out, reset, unreadable answer):
    │                                                        find by key before any resend
    ├── Misconfigured                 our operator           repeat only once the configuration changed (401, 404)
    └── ContractBroken                the integrator         the answer breaks the contract in a way that repeating
                                                             cannot mend (wrong key echoed, invalid licence number)

A business refusal is no error: it is ``Answer(status=rejected)``.
No error text carries personal data; ``code`` is stable and goes to the operator's pages.
"""

from __future__ import annotations


class ProvinceError(Exception):
    """Base of all. ``code``: stable, snake_case. ``detail``: for operators, no personal data."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class Unavailable(ProvinceError):
    """Nothing was done at the province; ask again after ``retry_after`` seconds (None: the caller's own pause)."""

    def __init__(self, code: str, detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class Ambiguous(ProvinceError):
    """The outcome is unknown: the effect may exist. Find by key before sending again."""


class Misconfigured(ProvinceError):
    """Address, credentials or route are wrong; an operator has to act."""


class ContractBroken(ProvinceError):
    """The province's answer cannot be used; an integrator has to act."""


class CallbackRefused(Exception):
    """A callback that is not believed. ``code``: bad_signature | stale | malformed | unknown_province."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

"""The one error tree of the provincial port.

    ProvinceError                     who can act            what to do
    ├── Unavailable(retry_after)      the province           try again later; nothing was done (refused, 429, 503)
    ├── Ambiguous                     nobody yet             unknown outcome (time-out, reset, unreadable answer):
    │                                                        find before any resend
    ├── Rejected(reasons, text)       the applicant          the province says no, for good under this key; the same as
    │                                                        an answer ``rejected``, for whom an exception is handier
    ├── Misconfigured                 our operator           repeat only once the configuration changed (401, 404)
    └── ContractBroken                the integrator         the answer breaks the contract in a way that repeating
                                                             cannot mend (wrong key echoed, invalid licence number)

No error text carries personal data; ``code`` is stable and goes to the operator's pages.
"""

from __future__ import annotations

from domain.messages import Text


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
    """The outcome is unknown: the effect may exist. Find before sending again."""


class Rejected(ProvinceError):
    """A business refusal. ``reasons``: codes; ``text``: for the applicant; ``reference``: the province's number."""

    def __init__(self, reasons: tuple[str, ...], text: Text | None = None, reference: str = "") -> None:
        super().__init__("rejected", ",".join(reasons))
        self.reasons = reasons
        self.text = text
        self.reference = reference


class Misconfigured(ProvinceError):
    """Address, credentials or route are wrong; an operator has to act."""


class ContractBroken(ProvinceError):
    """The province's answer cannot be used; an integrator has to act."""


class CallbackRefused(Exception):
    """A callback that is not believed. ``code``: bad_signature | stale | malformed | unknown_province."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

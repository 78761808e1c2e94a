"""The base of everything that crosses a boundary of the house: frozen, typed, no ``Any``."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """An immutable message. Unknown fields are ignored, so that an old worker can read what a new one wrote."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Text(Message):
    """A text that a user can meet, in Chinese and English."""

    zh: str
    en: str


class Role(StrEnum):
    """Who somebody is to the product (claims of the access token)."""

    CITIZEN = "citizen"
    AGENT = "agent"
    CASEWORKER = "caseworker"
    SUPERVISOR = "supervisor"
    COORDINATOR = "coordinator"
    INTEGRATOR = "integrator"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    INSTITUTION = "institution"  # a user of a designated medical institution; ``department`` is its code
    SYSTEM = "system"


class Acting(StrEnum):
    """On what basis somebody acts for another."""

    MANDATE = "mandate"  # 委托
    GUARDIAN = "guardian"  # 监护
    AGENT = "agent"  # 代理机构
    CLERK = "clerk"  # 窗口帮办


class Actor(Message):
    """Who did something. ``subject`` is the opaque id of the token, never a name or an id number.

    principal, basis: for whom and by what right, where it was not done for oneself. ``principal`` is a login, or
    ``id:`` with a digest where that person has none.
    """

    subject: str
    role: Role
    region: str = ""
    department: str = ""
    principal: str = ""
    basis: Acting | None = None


class Place(Message):
    """An authority: six-digit GB/T 2260 code and department, e.g. 320500 / market_regulation."""

    region: str
    department: str

    @property
    def province(self) -> str:
        """The province whose back office serves this place: 320500 -> 320000."""
        return self.region[:2] + "0000"


SYSTEM = Actor(subject="tongban", role=Role.SYSTEM)

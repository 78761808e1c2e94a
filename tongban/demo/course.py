"""What a course of the demo is, as data: a service, a form, who does what after whom, and how it has to end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from domain.messages import Text

Form = Mapping[str, JsonValue]
Steps = Mapping[str, tuple[str, ...]]  # province -> steps


@dataclass(frozen=True)
class Desk:
    """The login of one caseworker. ``person``, A or B, tells colleagues of one place apart."""

    region: str
    department: str
    person: str = ""


@dataclass(frozen=True)
class Consent:
    """The applicant looks at the evidence that was found and agrees to its use."""


@dataclass(frozen=True)
class Intrude:
    """A caseworker of another place tries to see and to decide the open task of a step: there is none for him."""

    step: str
    by: Desk


@dataclass(frozen=True)
class Attempt:
    """Somebody of the right place decides who may not, or not like this; the API refuses with ``code``."""

    step: str
    by: Desk
    outcome: str
    code: str
    checklist: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decide:
    """A caseworker decides the task of a step. ``queue``: the desk from which he takes it first."""

    step: str
    by: Desk
    outcome: str
    checklist: tuple[str, ...] = ()
    queue: str = ""
    reason: str = ""
    legal_basis: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Withdraw:
    """The applicant withdraws while ``step`` is under way at the province."""

    step: str
    reason: str


Act = Consent | Intrude | Attempt | Decide | Withdraw


@dataclass(frozen=True)
class Course:
    """One course of one service.

    in_effect: what stands in the provinces' books at the end; nothing when all was undone.
    released: evidence that the provinces' books say was handed out.
    licences: ids of the service's results that are issued; ``shows``: fields of the form that anyone sees on them.
    order: pairs of steps, the first over before the second begins.
    """

    service: str
    route: Text
    title: Text
    form: Callable[[], Form]
    subject_field: str
    documents: tuple[str, ...]
    acts: tuple[Act, ...]
    ends: str
    in_effect: Steps = field(default_factory=dict)
    released: Steps = field(default_factory=dict)
    licences: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    order: tuple[tuple[str, str], ...] = ()

    @property
    def undoes(self) -> bool:
        """Whether everything that took effect has to be undone."""
        return not self.in_effect

    def desk(self, step: str) -> Desk:
        """Whose task the step is."""
        return next(act.by for act in self.acts if isinstance(act, Decide) and act.step == step)

"""The closed vocabulary of a service definition: every word that may stand where a choice is to be made."""

from __future__ import annotations

from enum import StrEnum

ENGINE = "2"  # raised when the same Plan would be carried out differently


FEE_ORDER, FEE_REFUND = "fee_order", "fee_refund"  # what the back office of whoever is paid has to know


class Mode(StrEnum):
    """How places work together (国办发〔2020〕35号, domain note 2.2)."""

    FULL_ONLINE = "full_online"  # 全程网办
    COLLECT_AGENT = "collect_agent"  # 异地代收代办: one place collects, another accepts and decides
    JOINT = "joint"  # 多地联办
    DELEGATED = "delegated"  # 异地受理: acceptance itself is delegated, by an authorisation
    TWO_AUTHORITY = "two_authority"  # one authority decides, another has to agree first
    GOVERNMENT = "g2g"  # between authorities; no applicant


class Applicant(StrEnum):
    NATURAL_PERSON = "natural_person"
    LEGAL_PERSON = "legal_person"
    AUTHORITY = "authority"


class Lifecycle(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"  # offered no more; cases under way go on


class StepKind(StrEnum):
    ACCEPT = "accept"  # 受理: a caseworker takes the application in, or does not
    VERIFY = "verify"  # 核验: facts are checked
    EVIDENCE = "evidence"  # a register holds it; used only after the applicant has seen and accepted it
    REVIEW = "review"  # 审查
    DECIDE = "decide"  # 决定: a caseworker grants or refuses
    EFFECT = "effect"  # something becomes true at a province's back office
    CONSULT = "consult"  # 商请/征求意见: another authority has to agree
    NOTIFY = "notify"  # 通报: another authority has to be told
    PUBLICITY = "publicity"  # 公示: time passes, in which anybody may object
    INSPECTION = "inspection"  # 现场踏勘, 检验, 鉴定
    WINDOW = "window"  # 虚拟窗口: applicant and clerk meet
    CERTIFICATE = "certificate"  # 制证: an e-licence is issued
    DELIVER = "deliver"  # 送达
    ARCHIVE = "archive"  # 归档
    FEE = "fee"  # 缴费; never written as a step, made from ``fees``


class Way(StrEnum):
    """How a step is carried out."""

    PERSON = "person"  # a task at its place
    SYSTEM = "system"  # a call to the back office of its place
    TIME = "time"  # nobody: it ends by itself


K = StepKind
ALWAYS_PERSON = frozenset({K.ACCEPT, K.DECIDE, K.REVIEW, K.INSPECTION, K.WINDOW})
ALWAYS_SYSTEM = frozenset({K.EFFECT, K.EVIDENCE, K.CERTIFICATE, K.FEE})
EITHER = frozenset({K.VERIFY, K.CONSULT, K.NOTIFY, K.DELIVER, K.ARCHIVE})  # with an operation: by the back office

OUTCOMES: dict[StepKind, tuple[str, str]] = {
    # what a person can say: the good end first
    K.ACCEPT: ("accept", "refuse"),
    K.VERIFY: ("confirm", "deny"),
    K.REVIEW: ("pass", "fail"),
    K.DECIDE: ("grant", "refuse"),
    K.CONSULT: ("agree", "disagree"),
    K.NOTIFY: ("noted", "misdirected"),
    K.PUBLICITY: ("objection_dismissed", "objection_upheld"),
    K.INSPECTION: ("pass", "fail"),
    K.WINDOW: ("completed", "failed"),
    K.DELIVER: ("delivered", "returned"),
    K.ARCHIVE: ("archived", "incomplete"),
}


def way_of(kind: StepKind, operation: str) -> Way:
    """How a step of this kind is carried out, given the operation it names or does not."""
    if kind is K.PUBLICITY:
        return Way.TIME
    return Way.SYSTEM if operation else Way.PERSON


class OnRejected(StrEnum):
    """What a province's or a person's no leads to."""

    TERMINATE = "terminate"  # what ``partial`` says: as a rule the case ends and what took effect is reversed
    REFUSE = "refuse"  # 不予许可: the case ends as refused
    RESOLVE = "resolve"  # a person decides how to go on
    CONTINUE = "continue"  # it is noted, and the case goes on


class Unit(StrEnum):
    WORKING_DAY = "working_day"
    CALENDAR_DAY = "calendar_day"


class OnExpiry(StrEnum):
    """What the end of a legal limit leads to."""

    ESCALATE = "escalate"  # a supervisor gets a task
    DEEMED_ACCEPTED = "deemed_accepted"  # 视为受理, from the day of receipt (行政许可法第三十二条)
    DEEMED_GRANTED = "deemed_granted"  # 视为准予
    DEEMED_REFUSED = "deemed_refused"


class MaterialSource(StrEnum):
    UPLOAD = "upload"
    SHARED = "shared"
    E_LICENCE = "e_licence"


class Tolerance(StrEnum):
    """Whether an application can be taken in without it."""

    CORE = "core"
    DEFERRABLE = "deferrable"  # 容缺: promised now, handed in later
    COMMITMENT = "commitment"  # 告知承诺: the promise stands in for the proof; it is verified later


class OnBroken(StrEnum):
    """What a broken promise leads to."""

    TERMINATE = "terminate"  # 撤销受理: the case ends, what took effect is reversed
    TASK = "task"  # a caseworker decides


class Policy(StrEnum):
    """What becomes of the rest when one leg fails; shown before submission."""

    ALL_OR_NOTHING = "all_or_nothing"
    BEST_EFFORT = "best_effort"  # the other legs go on; what depends on the failed one is left out
    ORDERED = "ordered"  # legs one after another; what was done stays, what comes after is left out
    QUORUM = "quorum"  # as best_effort, if enough legs can still succeed


class Ending(StrEnum):
    """How a case can end without its result."""

    NOT_ACCEPTED = "not_accepted"
    DECIDED_REFUSED = "decided_refused"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"

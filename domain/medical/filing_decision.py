"""Whether a filing is granted, looked at by a person, or cannot be made; and which filing covers a treatment. Pure.

    decide_filing(rules, request, existing, today)   every rule is looked at; each leaves a line
    filing_in_force(rules, existing, care)           the filing and the settlement category that apply to a treatment

A rule alone never refuses for good: what cannot be filed is told before anything is kept (``REFUSED``, with the codes),
and an application that was taken in is refused by a caseworker of the insured place or by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum

from domain.medical.filing_rules import Benefit, Category, FilingRules, Value, other_province, pool_of
from domain.messages import Acting, Message, Text

FOREVER = date(9999, 12, 31)
EVE = timedelta(days=1)


class Outcome(StrEnum):
    """What the rules say to an application."""

    APPROVED = "approved"
    REVIEW = "review"
    REFUSED = "refused"  # it cannot be filed so
    NOT_NEEDED = "not_needed"


class Said(StrEnum):
    """What one rule says."""

    MET = "met"
    REVIEW = "review"
    NOT_MET = "not_met"
    NOT_NEEDED = "not_needed"
    NOT_CONCERNED = "not_concerned"


class RuleLine(Message):
    """One rule and what it says; ``basis``, ``tag``: where it is from. ``code``: the refusal it leads to."""

    rule: str
    said: Said
    text: Text
    basis: Text
    tag: str
    code: str = ""


class KnownFiling(Message):
    """A filing that is there already, as far as rules need it. ``first``, ``last``: the days it holds, both included.

    missed_proof: the day on which the proof of a commitment had to be there and was not.
    """

    no: str
    insured: str
    destination: str
    category: Category
    first: date
    last: date | None
    registered: bool = True  # the insured place's platform knows it
    missed_proof: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it covers a day."""
        return self.first <= day <= (self.last or FOREVER)

    def meets(self, first: date, last: date | None) -> bool:
        """Whether a day is common to both."""
        return self.first <= (last or FOREVER) and first <= (self.last or FOREVER)


class FilingRequest(Message):
    """What is applied for. Regions of six digits; ``destination``: any place of the pooling area one goes to.

    materials, committed: ids of what was handed in, and of what a commitment stands in for. ``admitted``: the day on
    which he was taken in, of somebody in hospital already; ``discharged``: he has left and has paid. ``age``: in years.
    referral: number of the accepted referral that it follows. ``replaces``: the filing that it changes.
    """

    insured: str
    insutype: str
    destination: str
    category: Category
    first: date | None = None
    materials: tuple[str, ...] = ()
    committed: tuple[str, ...] = ()
    admitted: date | None = None
    discharged: bool = False
    age: int = 99
    basis: Acting | None = None
    referral: str = ""
    replaces: str = ""


class FilingDecision(Message):
    """``first``, ``last``: the days it will hold; no last day: for as long as the person lives there."""

    outcome: Outcome
    benefit: Benefit
    first: date
    last: date | None
    by_commitment: bool
    trace: tuple[RuleLine, ...]
    rules: str  # version
    at: date

    @property
    def codes(self) -> tuple[str, ...]:
        """The refusals."""
        return tuple(line.code for line in self.trace if line.said is Said.NOT_MET)


class Trace:
    """Lines as they come."""

    def __init__(self) -> None:
        self.lines: list[RuleLine] = []

    def say(self, rule: str, said: Said, zh: str, en: str, value: Value, code: str = "") -> None:
        """One rule has spoken."""
        line = RuleLine(rule=rule, said=said, text=Text(zh=zh, en=en), basis=value.basis, tag=value.tag, code=code)
        self.lines.append(line)

    def has(self, said: Said) -> bool:
        """Whether a rule has said so."""
        return any(line.said is said for line in self.lines)


_DESIGN = Value(basis=Text(zh="本平台规则", en="Rule of this platform"), tag="DESIGN")


def decide_filing(
    rules: FilingRules, request: FilingRequest, existing: Sequence[KnownFiling], today: date
) -> FilingDecision:
    """What the rules of the insured place say to this, on this day."""
    trace, rule = Trace(), rules.categories[request.category]
    first = _first_day(trace, rules, request, today)
    last = rule.validity.after(first) if rule.validity else None
    others = [known for known in existing if known.no != request.replaces]
    _need(trace, rules, request, first)
    _place(trace, rules, request)
    _people(trace, rules, request)
    _papers(trace, rules, request, others, today)
    _overlap(trace, rules, request, others, first, last)
    if request.replaces:
        _interval(trace, rules, existing, request, today)
    if rule.review:
        trace.say("review", Said.REVIEW, "此类备案须人工审核", "a person looks at filings of this kind", rule)
    return FilingDecision(
        outcome=_outcome(trace),
        benefit=rule.benefit,
        first=first,
        last=last,
        by_commitment=bool(set(request.committed) - set(request.materials)),
        trace=tuple(trace.lines),
        rules=rules.version,
        at=today,
    )


def _outcome(trace: Trace) -> Outcome:
    for said, outcome in (
        (Said.NOT_NEEDED, Outcome.NOT_NEEDED),
        (Said.NOT_MET, Outcome.REFUSED),
        (Said.REVIEW, Outcome.REVIEW),
    ):
        if trace.has(said):
            return outcome
    return Outcome.APPROVED


def _first_day(trace: Trace, rules: FilingRules, request: FilingRequest, today: date) -> date:
    """From when it holds: never before it was applied for, but for somebody who is in hospital already."""
    late = rules.late_until_discharge
    if request.discharged:
        zh, en = "已自费出院，只能手工报销", "discharged and paid: only a reimbursement by hand is left"
        trace.say("late", Said.NOT_MET, zh, en, late, "filing_after_discharge")
        return today
    if request.admitted is not None and request.admitted > today:
        zh, en = "入院日期在今日之后", "the day of admission is still to come"
        trace.say("late", Said.NOT_MET, zh, en, late, "filing_day")
    elif request.admitted is not None and not late.on:
        trace.say("late", Said.NOT_MET, "入院后不受理补办", "no filing after admission", late, "filing_late")
    elif request.admitted is not None:
        zh, en = "出院结算前补办，自入院之日起有效", "filed before discharge: it holds from the day of admission"
        trace.say("late", Said.MET, zh, en, late)
        return request.admitted
    first = request.first or today
    if not today <= first <= rules.ahead.after(today):
        zh, en = (
            "开始日期须在今日与可预先备案的最后一日之间",
            "the first day is past, or too far ahead",
        )
        trace.say("first_day", Said.NOT_MET, zh, en, rules.ahead, "filing_day")
    return first


def _need(trace: Trace, rules: FilingRules, request: FilingRequest, first: date) -> None:
    rule = rules.categories[request.category]
    if rule.deemed:
        trace.say("deemed", Said.NOT_NEEDED, "急诊抢救视同已备案", "an emergency is deemed to be filed", rule)
    if not rules.required.on:
        trace.say("required", Said.NOT_NEEDED, "参保地免备案", "the insured place wants no filing", rules.required)
        return
    for waiver in rules.waivers:
        if not waiver.concerns(request.insured, request.destination):
            continue
        title, rule_id = waiver.title, f"waiver:{waiver.id}"
        if not waiver.med_types and waiver.applies(request.insured, request.destination, "", first):
            trace.say(rule_id, Said.NOT_NEEDED, title.zh, title.en, waiver)
        else:
            zh = f"{title.zh}：仅限所列地区和就医类别，其余仍须备案"
            en = f"{title.en}: only for the places and kinds of care it names; for others one files"
            trace.say(rule_id, Said.NOT_CONCERNED, zh, en, waiver)


def _place(trace: Trace, rules: FilingRules, request: FilingRequest) -> None:
    if other_province(request.insured, request.destination):
        trace.say("another_province", Said.MET, "就医地在省外", "treated in another province", _DESIGN)
    else:
        zh, en = "就医地在本省，不属于跨省备案", "treated in one's own province: nothing to file here"
        trace.say("another_province", Said.NOT_MET, zh, en, _DESIGN, "filing_same_province")
    if request.insutype not in rules.insutypes:
        zh, en = "险种不在备案范围", "no such insurance"
        trace.say("insurance", Said.NOT_MET, zh, en, _DESIGN, "field_invalid")


def _people(trace: Trace, rules: FilingRules, request: FilingRequest) -> None:
    if request.age < rules.guardian_below:
        by_guardian = request.basis in {Acting.GUARDIAN, Acting.CLERK}
        trace.say(
            "guardian",
            Said.MET if by_guardian else Said.NOT_MET,
            f"未满{rules.guardian_below}周岁，由监护人办理",
            f"below {rules.guardian_below}: filed by a guardian",
            rules.guardian_basis,
            "" if by_guardian else "guardian_required",
        )
    if request.basis is not None and request.basis not in rules.acting:
        zh, en = "不能以该身份代办", "nobody acts for another on that basis"
        trace.say("acting", Said.NOT_MET, zh, en, _DESIGN, "acting_not_allowed")


def _papers(
    trace: Trace, rules: FilingRules, request: FilingRequest, existing: Iterable[KnownFiling], today: date
) -> None:
    commitment = rules.commitment
    for name in rules.categories[request.category].materials:
        paper, title = rules.materials[name], rules.materials[name].title
        rule = f"material:{name}"
        if name in request.materials or (paper.from_referral and request.referral):
            trace.say(rule, Said.MET, f"已有：{title.zh}", f"there: {title.en}", paper)
        elif name in request.committed and paper.committable and commitment.allowed:
            zh, en = f"承诺代替，限期补交：{title.zh}", f"by commitment, to be handed in later: {title.en}"
            trace.say(rule, Said.MET, zh, en, commitment)
            _restricted(trace, rules, existing, today)
        elif name in request.committed:
            zh, en = f"不能以承诺代替：{title.zh}", f"no commitment can stand in for it: {title.en}"
            trace.say(rule, Said.NOT_MET, zh, en, paper, "material_core")
        else:
            trace.say(rule, Said.NOT_MET, f"缺少：{title.zh}", f"missing: {title.en}", paper, "material_missing")


def _restricted(trace: Trace, rules: FilingRules, existing: Iterable[KnownFiling], today: date) -> None:
    missed = max((known.missed_proof for known in existing if known.missed_proof), default=None)
    if missed is None:
        return
    until = rules.commitment.restriction.after(missed)
    if today <= until:
        zh = f"此前承诺事项逾期未补交，{until.isoformat()}前不适用承诺办理"
        en = f"an earlier commitment was not kept: none is taken until {until.isoformat()}"
        trace.say("commitment", Said.NOT_MET, zh, en, rules.commitment, "commitment_restricted")


def _overlap(
    trace: Trace,
    rules: FilingRules,
    request: FilingRequest,
    existing: Iterable[KnownFiling],
    first: date,
    last: date | None,
) -> None:
    overlap, there = rules.overlap, pool_of(request.destination)
    beside = [known for known in existing if known.meets(first, last)]
    lasting = [known for known in beside if known.category.long_term]
    if request.category.long_term and len(lasting) >= overlap.long_term_at_most:
        zh = f"已有长期备案 {lasting[0].no}，请办理变更"
        en = f"the long-term filing {lasting[0].no} is in force: change it"
    elif request.category.long_term and any(pool_of(known.destination) == there for known in beside):
        zh, en = "该地已有临时备案，请先取消", "a temporary filing for that place is in force: cancel it first"
    elif not request.category.long_term and any(pool_of(known.destination) == there for known in lasting):
        zh, en = "该地已有长期备案，无需再备案", "the long-term filing for that place covers it"
    elif not request.category.long_term and lasting and not overlap.temporary_beside_long_term:
        zh, en = "已有长期备案，不得同时临时备案", "no temporary filing beside a long-term one"
    elif not overlap.same_place_twice and any(
        pool_of(known.destination) == there and known.category is request.category for known in beside
    ):
        zh, en = "该地已有同类备案", "a filing of that kind for that place is in force"
    else:
        trace.say("overlap", Said.MET, "与已有备案不冲突", "it does not clash with another filing", overlap)
        return
    trace.say("overlap", Said.NOT_MET, zh, en, overlap, "filing_overlap")


def changeable_from(rules: FilingRules, category: Category, first: date) -> date:
    """From which day a filing may be changed or cancelled."""
    return rules.interval.after(first) if category.long_term else first


def _interval(
    trace: Trace, rules: FilingRules, existing: Iterable[KnownFiling], request: FilingRequest, today: date
) -> None:
    for known in existing:
        if known.no != request.replaces:
            continue
        day = changeable_from(rules, known.category, known.first)
        if today < day:
            zh = f"长期备案须满变更间隔，{day.isoformat()}起可变更"
            en = f"a long-term filing may be changed from {day.isoformat()}"
            trace.say("interval", Said.NOT_MET, zh, en, rules.interval, "filing_interval")
        else:
            trace.say("interval", Said.MET, "已满变更间隔", "the interval between changes is over", rules.interval)


# what covers a treatment


class Care(Message):
    """A treatment. ``insured``: the person's place, with his district where it is known; ``destination``: where the
    institution lies; ``day``: of admission or visit; ``emergency``: the institution has marked it so.
    """

    insured: str
    destination: str
    med_type: str
    day: date
    emergency: bool = False


class Covered(Message):
    """``category``: how it is settled, None: no direct settlement. ``filing``: the number of the one that applies.

    why: filing | waiver | not_required | emergency | two_way | same_province | not_filed.
    """

    category: Benefit | None
    filing: str = ""
    why: str
    trace: tuple[RuleLine, ...]


_BEST = (Benefit.LONG_TERM, Benefit.REFERRAL, Benefit.EMERGENCY, Benefit.OTHER)


def filing_in_force(rules: FilingRules, existing: Sequence[KnownFiling], care: Care) -> Covered:
    """Which filing and settlement category apply to a treatment: the best for the person of those that do."""
    trace = Trace()
    holding = [known for known in existing if known.registered and known.holds(care.day)]
    if not other_province(care.insured, care.destination):
        return _at_home(trace, rules, holding, care)
    found: list[tuple[Benefit, str, str]] = []
    for known in holding:
        rule = rules.categories[known.category]
        if pool_of(known.destination) == pool_of(care.destination):
            zh, en = f"备案 {known.no}：{rule.title.zh}", f"filing {known.no}: {rule.title.en}"
            trace.say("filing", Said.MET, zh, en, rule)
            found.append((rule.benefit, known.no, "filing"))
    for waiver in rules.waivers:
        if waiver.applies(care.insured, care.destination, care.med_type, care.day):
            trace.say(f"waiver:{waiver.id}", Said.NOT_NEEDED, waiver.title.zh, waiver.title.en, waiver)
            found.append((waiver.benefit, "", "waiver"))
    emergency = rules.categories[Category.TMP_EMERGENCY]
    if care.emergency and emergency.deemed:
        trace.say("deemed", Said.NOT_NEEDED, "急诊抢救视同已备案", "an emergency is deemed to be filed", emergency)
        found.append((emergency.benefit, "", "emergency"))
    if not rules.required.on:
        other = rules.categories[Category.TMP_OTHER]
        trace.say("required", Said.NOT_NEEDED, "参保地免备案", "the insured place wants no filing", rules.required)
        found.append((other.benefit, "", "not_required"))
    if not found:
        zh, en = "无有效备案，不能直接结算", "no filing is in force: no direct settlement"
        trace.say("filing", Said.NOT_MET, zh, en, rules.required)
        return Covered(category=None, why="not_filed", trace=tuple(trace.lines))
    category, no, why = min(found, key=lambda item: _BEST.index(item[0]))  # a filing comes first where they are alike
    return Covered(category=category, filing=no, why=why, trace=tuple(trace.lines))


def _at_home(trace: Trace, rules: FilingRules, holding: Iterable[KnownFiling], care: Care) -> Covered:
    away = next((known for known in holding if known.category.long_term), None)
    home = pool_of(care.insured) == pool_of(care.destination)
    if away is None or not home:
        trace.say("another_province", Said.NOT_CONCERNED, "省内就医", "treated in one's own province", _DESIGN)
        return Covered(category=None, why="same_province", trace=tuple(trace.lines))
    two_way = rules.two_way
    zh, en = f"长期备案 {away.no}，临时回参保地就医", f"filed for long by {away.no}, treated at home for once"
    trace.say("two_way", Said.MET if two_way.allowed else Said.NOT_MET, zh, en, two_way)
    category = two_way.benefit if two_way.allowed else None
    return Covered(category=category, filing=away.no, why="two_way", trace=tuple(trace.lines))

"""The conditions of recognition, each with what it looked at. They can forbid it; the physician alone decides for it.

国卫医发〔2022〕6号: "以接诊医师判断为标准". Scope of a mark: national >= region:yrd >= province >= city.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from domain.calendar import SHANGHAI, local_day
from domain.medical.recognition.messages import Facts, Finding, ListedItem, Reason, ReportEntry, Technical
from domain.messages import Text
from domain.names import PROVINCES
from domain.regions import covers

T = Technical
YRD = "region:yrd"


def mark_covers(scope: str, place: str) -> bool:
    """Whether a mark of this scope holds at a place (six digits)."""
    if scope == "national":
        return True
    if scope == YRD:
        return any(covers(province, place) for province in PROVINCES)
    return len(scope) == 6 and scope.isdigit() and covers(scope, place)


def exam_day(entry: ReportEntry) -> date | None:
    """The day of the examination, if it can be read."""
    try:
        return datetime.strptime(entry.exam_time, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI).date()
    except ValueError:
        return _day(entry.exam_time)


def valid_until(entry: ReportEntry, item: ListedItem | None) -> datetime | None:
    """The moment from which a report is too old: the midnight after its last day."""
    day = exam_day(entry)
    if item is None or day is None:
        return None
    return datetime.combine(day + timedelta(days=item.validity_days + 1), time(0), SHANGHAI)


def equipment(equip: str) -> dict[str, Decimal]:
    """``detector_rows=64;tesla=1.5`` as numbers; what is not so spelled is left out."""
    found = {}
    for part in equip.split(";"):
        name, _, value = part.partition("=")
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            continue
        if number.is_finite():
            found[name.strip()] = number
    return found


def judge(facts: Facts, item: ListedItem | None, place: str, now: datetime) -> tuple[Finding, ...]:
    """Every condition, in order, all of them whatever the first says. ``place``: where it would be recognised."""
    entry, today, day = facts.entry, local_day(now), exam_day(facts.entry)
    listed = item is not None and any(covers(region, place) for region in item.regions)
    first, last = _day(entry.qc_begndate), _day(entry.qc_enddate)
    holds = {
        "retrieved": facts.retrieved and facts.intact,
        "identity": facts.same_person,
        "listed": listed,
        "mark": bool(entry.hr_scope and entry.qc_cert_no),
        "certificate": bool(day and first and last and first <= day <= last),
        "scope": mark_covers(entry.hr_scope, place),
        "validity": bool(item and day and day <= today <= day + timedelta(days=item.validity_days)),
        "equipment": not (short := _short_of(entry, item)),
    }
    seen: dict[str, dict[str, str]] = {
        "retrieved": {"report": entry.rpt_no},
        "identity": {},
        "listed": {"item": entry.item_code, "place": place},
        "mark": {"scope": entry.hr_scope, "certificate": entry.qc_cert_no},
        "certificate": {"from": entry.qc_begndate, "until": entry.qc_enddate, "day": entry.exam_time[:10]},
        "scope": {"scope": entry.hr_scope, "place": place},
        "validity": {"day": entry.exam_time[:10], "days": str(item.validity_days) if item else "", "today": str(today)},
        "equipment": {"equipment": entry.equip, "short": ",".join(short)},
    }
    return tuple(
        Finding(
            rule=rule,
            holds=holds[rule],
            code=None if holds[rule] else code,
            text=good if holds[rule] else bad,
            facts=seen[rule],
        )
        for rule, (code, good, bad) in CONDITIONS.items()
    )


def forbidden(findings: Iterable[Finding]) -> tuple[Technical, ...]:
    """The codes that forbid recognition, each once; none: it is for the physician to decide."""
    return tuple(dict.fromkeys(f.code for f in findings if f.code is not None))


def explain(findings: Iterable[Finding], reason: Reason | None, words: str) -> Text:
    """Why a report is not recognised, for the patient: what the rules say, then what the physician does."""
    texts = [f.text for f in findings if not f.holds]
    if reason is not None:
        texts.append(REASONS[reason])
    zh, en = "；".join(t.zh for t in texts), "; ".join(t.en for t in texts)
    said = words.strip()
    return Text(zh=f"{zh}。{said}" if said else f"{zh}。", en=f"{en}. {said}" if said else f"{en}.")


def _short_of(entry: ReportEntry, item: ListedItem | None) -> list[str]:
    """The parameters that the equipment does not reach, or about which the report says nothing."""
    has = equipment(entry.equip)
    wanted = item.parameters if item else ()
    return [p.name for p in wanted if p.name not in has or has[p.name] < p.at_least]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


CONDITIONS: Mapping[str, tuple[Technical, Text, Text]] = {
    "retrieved": (
        T.T7_NOT_INTACT,
        Text(zh="报告完整取得", en="the report was fetched whole"),
        Text(zh="报告无法取得，或与索引不一致", en="the report cannot be fetched, or differs from its index"),
    ),
    "identity": (
        T.T4_ID_MISMATCH,
        Text(zh="身份一致", en="it is the patient's"),
        Text(zh="报告上的身份信息与本人不符", en="the identity on the report is not the patient's"),
    ),
    "listed": (
        T.T5_NOT_IN_LIST,
        Text(zh="属于互认项目清单", en="the item is on the list"),
        Text(zh="不在本地公布的互认项目清单内", en="the item is not on the list published here"),
    ),
    "mark": (
        T.T1_NO_MARK,
        Text(zh="有互认标识", en="it is marked HR"),
        Text(zh="没有互认（HR）标识", en="it does not bear the mark HR"),
    ),
    "certificate": (
        T.T1_NO_MARK,
        Text(zh="检查当日质控合格证书有效", en="the quality certificate held on the day"),
        Text(
            zh="检查当日质控合格证书无效，标识不成立",
            en="the quality certificate did not hold on the day, so the mark does not",
        ),
    ),
    "scope": (
        T.T2_SCOPE,
        Text(zh="互认范围包含本地", en="the mark covers this place"),
        Text(zh="互认标识的范围不包含本地", en="the mark does not cover this place"),
    ),
    "validity": (
        T.T3_EXPIRED,
        Text(zh="在项目有效期内", en="it is recent enough for this item"),
        Text(zh="超过该项目的有效期", en="it is too old for this item"),
    ),
    "equipment": (
        T.T6_EQUIP_PARAM,
        Text(zh="设备参数满足要求", en="the equipment suffices"),
        Text(zh="设备参数达不到要求", en="the equipment does not suffice for this item"),
    ),
}

REASONS: Mapping[Reason, Text] = {
    Reason.R1_CHANGED: Text(
        zh="病情发生变化，或检查结果与临床表现、疾病诊断不符",
        en="the disease has changed, or the result does not fit what is seen or diagnosed",
    ),
    Reason.R2_FAST: Text(
        zh="检查结果在疾病发展过程中变化较快", en="the result changes fast in the course of the disease"
    ),
    Reason.R3_MAJOR: Text(
        zh="检查项目意义重大（如手术、输血等重大医疗措施前）",
        en="much depends on it, as before surgery, transfusion or another major measure",
    ),
    Reason.R4_EMERGENCY: Text(zh="患者处于急诊、急救等紧急状态", en="it is an emergency or a rescue"),
    Reason.R5_FORENSIC: Text(
        zh="涉及司法、伤残及病退等鉴定", en="it is for a judicial, disability or early-retirement appraisal"
    ),
    Reason.R6_OTHER: Text(zh="其他确需复查的情形", en="another reason for which it is needed"),
}

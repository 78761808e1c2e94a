"""What is played: three services, one of them with three ends. The steps are those of the definitions."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

from domain.messages import Text
from tongban.demo import synthetic
from tongban.demo.course import Attempt, Consent, Course, Decide, Desk, Form, Intrude, Withdraw

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = "310000", "320000", "330000", "340000"
QINGPU, SUZHOU, HEFEI = "310118", "320500", "340100"

# 企业跨省迁移登记

SUZHOU_MARKET = Desk(SUZHOU, "market_regulation")
HEFEI_MARKET = Desk(HEFEI, "market_regulation")


def company_form() -> Form:
    """A company of Hefei, of which a company of Hangzhou is a shareholder."""
    return {
        "company_name": synthetic.company_name("合肥"),
        "uscc": synthetic.credit_code(HEFEI),
        "origin_city": HEFEI,
        "destination_city": SUZHOU,
        "new_address": "苏州市工业园区示例路1号",
        "legal_representative_name": "沈安宁",
        "legal_representative_id": "310199199001010018",
        "shareholder_name": "杭州钱塘云计算有限公司",
        "shareholder_uscc": "91330100XXXX00035F",
    }


TAKEN_IN = (Consent(), Intrude("accept", HEFEI_MARKET), Decide("accept", SUZHOU_MARKET, "accept"))
MOVE = Course(
    service="YRD-ENT-MOVE",
    route=Text(zh="合肥 ➜ 苏州", en="Hefei ➜ Suzhou"),
    title=Text(zh="办结发照", en="granted, licence issued"),
    form=company_form,
    subject_field="company_name",
    documents=("resolution", "address_proof"),
    acts=(*TAKEN_IN, Decide("decide", SUZHOU_MARKET, "grant")),
    ends="completed",
    in_effect={JIANGSU: ("register", "licence"), ANHUI: ("tax", "archive")},
    released={SHANGHAI: ("representative",), ZHEJIANG: ("shareholder",)},
    licences=("business_licence",),
    shows=("company_name", "uscc", "new_address"),
    order=(("tax", "decide"), ("archive", "decide"), ("register", "licence")),
)
_UNDONE = replace(MOVE, in_effect={}, licences=(), shows=(), order=())
_NO = Decide(
    "decide",
    SUZHOU_MARKET,
    "refuse",
    reason="迁入地住所不符合登记条件。",
    legal_basis="市场主体登记管理条例第十九条",
)
REFUSE = replace(
    _UNDONE,
    title=Text(zh="不予许可并撤销", en="refused, effects undone"),
    acts=(*TAKEN_IN, _NO),
    ends="decided_refused",
)
WITHDRAW = replace(
    _UNDONE,
    title=Text(zh="申请人撤回", en="withdrawn by the applicant"),
    acts=(*TAKEN_IN, Withdraw("archive", reason="不再迁移")),
    ends="withdrawn",
)

# 跨省户口迁移

HEFEI_POLICE = Desk(HEFEI, "public_security")
QINGPU_POLICE, QINGPU_COLLEAGUE = (Desk(QINGPU, "public_security", person) for person in ("A", "B"))


def household_form() -> Form:
    """Somebody of Hefei who has bought a home in Qingpu."""
    return {
        "applicant_name": synthetic.person_name(),
        "applicant_id": synthetic.resident_id(HEFEI[:4]),
        "origin_city": HEFEI,
        "destination_city": QINGPU,
        "reason": "purchase",
        "new_address": f"上海市青浦区示例路{secrets.randbelow(999) + 1}号",
        "house_certificate_no": f"沪示例（2026）青字第{synthetic.number(6)}号",
        "delivery": "account",
    }


HUKOU = Course(
    service="YRD-HUKOU",
    route=Text(zh="合肥 ➜ 上海青浦", en="Hefei ➜ Qingpu, Shanghai"),
    title=Text(zh="先销后落，换发户口簿", en="cancelled there, then registered here"),
    form=household_form,
    subject_field="applicant_name",
    documents=("application",),
    acts=(
        Consent(),
        Intrude("accept", HEFEI_POLICE),
        Decide("accept", QINGPU_POLICE, "accept"),
        Attempt("origin_verify", HEFEI_POLICE, "confirm", code="checklist_incomplete", checklist=("no_hold",)),
        Decide("origin_verify", HEFEI_POLICE, "confirm", checklist=("no_duplicate", "no_hold")),
        Decide("review", QINGPU_POLICE, "pass", queue="general", checklist=("points",)),
        Attempt("decide", QINGPU_POLICE, "grant", code="same_person"),
        Decide("decide", QINGPU_COLLEAGUE, "grant"),
    ),
    ends="completed",
    in_effect={SHANGHAI: ("register_in", "page"), ANHUI: ("cancel_out",)},
    released={SHANGHAI: ("house",), ANHUI: ("household",)},
    licences=("household_register",),
    shows=("new_address",),
    order=(("origin_verify", "decide"), ("review", "decide"), ("cancel_out", "register_in")),
)

# 危险废物跨省转移审批

SHANGHAI_ECOLOGY, SHANGHAI_COLLEAGUE = (Desk(SHANGHAI, "ecology", person) for person in ("A", "B"))
SHANGHAI_TRANSPORT = Desk(SHANGHAI, "transport")
JIANGSU_ECOLOGY, ZHEJIANG_ECOLOGY, ANHUI_ECOLOGY = (Desk(p, "ecology") for p in (JIANGSU, ZHEJIANG, ANHUI))


def waste_form() -> Form:
    """From Shanghai through Jiangsu and Zhejiang to Anhui."""
    return {
        "company_name": synthetic.company_name("上海", "化工"),
        "uscc": synthetic.credit_code("310115"),
        "origin_province": SHANGHAI,
        "destination_province": ANHUI,
        "transit_provinces": [JIANGSU, ZHEJIANG],
        "receiver_name": synthetic.company_name("合肥", "环保处置"),
        "receiver_uscc": synthetic.credit_code(HEFEI),
        "carrier_name": synthetic.company_name("上海", "危货运输"),
        "carrier_uscc": synthetic.credit_code("310113"),
        "waste_code": "900-041-49",
        "waste_name": "废包装容器",
        "tonnes": secrets.randbelow(900) + 20.5,
        "months": 12,
        "treatment": "disposal",
    }


WASTE = Course(
    service="YRD-HW-TRANSFER",
    route=Text(zh="上海 ➜ 江苏、浙江 ➜ 安徽", en="Shanghai ➜ Jiangsu, Zhejiang ➜ Anhui"),
    title=Text(zh="接受地同意，准予转移", en="the receiving province agrees, granted"),
    form=waste_form,
    subject_field="company_name",
    documents=("application", "contract", "plan", "emergency_plan"),
    acts=(
        Consent(),
        Decide("accept", SHANGHAI_ECOLOGY, "accept"),
        Decide("precheck", SHANGHAI_ECOLOGY, "pass", queue="ordinary", checklist=("code", "quantity")),
        Intrude("consult", SHANGHAI_ECOLOGY),
        Decide("consult", ANHUI_ECOLOGY, "agree", reference="皖示例函〔2026〕12号"),
        Attempt("decide", SHANGHAI_ECOLOGY, "grant", code="same_person"),
        Decide("decide", SHANGHAI_COLLEAGUE, "grant"),
        Decide("tell_destination", ANHUI_ECOLOGY, "noted"),
        Decide("tell_transport", SHANGHAI_TRANSPORT, "noted"),
        Decide("tell_transit-320000", JIANGSU_ECOLOGY, "noted"),
        Decide("tell_transit-330000", ZHEJIANG_ECOLOGY, "noted"),
    ),
    ends="completed",
    in_effect={SHANGHAI: ("approval", "manifest")},
    released={SHANGHAI: ("carrier",), ANHUI: ("permit",)},
    licences=("approval",),
    shows=("company_name", "receiver_name", "waste_code", "tonnes"),
    order=(
        ("consult", "decide"),
        ("approval", "manifest"),
        ("approval", "tell_transit-320000"),
        ("approval", "tell_transit-330000"),
    ),
)

THREE_ENDS = (MOVE, REFUSE, WITHDRAW)
BY_SERVICE: Mapping[str, Course] = {course.service: course for course in (MOVE, HUKOU, WASTE)}

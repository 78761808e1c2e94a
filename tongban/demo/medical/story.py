"""What happens, act by act. Every request carries a key of its own, so that one that was cut off is sent again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.calendar import SHANGHAI as ZONE
from domain.messages import Text
from tongban.demo.medical.people import SHANGHAI, Cast, Patient, new_key
from tongban.demo.people import DemoError, Person
from tongban.demo.words import t
from tongban.stack.stack import Stack

PATIENCE_S = 60.0
LOOK_EVERY_S = 0.2
A, A_LIMITED, B10, B20, C = (
    "XA000000000000000000001", "XA000000000000000000002", "XB000000000000000000010", "XB000000000000000000020",
    "XC000000000000000000001",
)  # fmt: skip
BED = "001101000010000"
CT, CT_CHARGE, BLOOD = "CT-CHEST", "CTXB00000000001", "LAB-HBA1C"


@dataclass
class Told:
    """What has come of it, for the checks and the closing page."""

    patient: Patient
    referral: dict[str, Any] = field(default_factory=dict)
    filing: dict[str, Any] = field(default_factory=dict)
    recognition: dict[str, Any] = field(default_factory=dict)
    stay: dict[str, Any] = field(default_factory=dict)
    charged_again: int = 0
    preview: dict[str, int] = field(default_factory=dict)
    facts: list[dict[str, Any]] = field(default_factory=list)
    bills: list[dict[str, Any]] = field(default_factory=list)
    reads: list[dict[str, Any]] = field(default_factory=list)


class Story:
    """One patient's way. ``say``: a line for people who watch; ``between``: called between acts (tests kill there)."""

    def __init__(
        self,
        stack: Stack,
        cast: Cast,
        say: Callable[[Text], None],
        between: Callable[[], None] = lambda: None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._stack, self._cast, self._say, self._between = stack, cast, say, between
        self._patience_s = patience_s
        self.told = Told(cast.patient)
        self._today = datetime.now(ZONE).date()

    def play(self) -> Told:
        """From the referral to the second settlement."""
        for act in (
            self.refer, self.file, self.admit, self.upload_reports, self.recognise, self.treat, self.discharge,
            self.preview, self.settle, self.reverse, self.settle_again, self.close_referral, self.look_back,
        ):  # fmt: skip
            act()
            self._between()
        return self.told

    # acts

    def refer(self) -> None:
        """The hospital at home refers, the one in Shanghai accepts."""
        patient, told = self._cast.patient, self.told
        body = {
            "patient": {"name": patient.name, "id_number": patient.id_number, "phone": "13900000000"},
            "insured": patient.city,
            "insutype": patient.insutype,
            "diag_code": "I25.103",
            "diag_name": "冠状动脉粥样硬化性心脏病",
            "condition": "需行冠状动脉旁路移植术",
            "reason": "capability",
            "assessor": f"D{patient.city}000001",
            "assessor_title": "associate_chief",
            "institution": SHANGHAI[1],
            "capability": "cardiac_surgery",
        }
        made = self._post(self._cast.home, "/v1/medical/referrals", body)
        told.referral = made
        self._say(t(f"马鞍山医院转诊 {made['no']}", f"the hospital at home refers: {made['no']}"))
        self._post(self._cast.shanghai, f"/v1/medical/referrals/{made['no']}/accept")
        self._say(t("上海医院接收", "the hospital in Shanghai accepts"))
        self._post(self._cast.shanghai, f"/v1/medical/referrals/{made['no']}/schedule", {"day": f"{self._today}"})

    def file(self) -> None:
        """The accepted referral is filed by itself, and the insured place's platform registers it."""

        def effective() -> dict[str, Any] | None:
            found = self._get(self._cast.citizen, "/v1/medical/filings")["filings"]
            # one that is in force from an earlier referral to the same place is not filed a second time
            held = [f for f in found if f["category"] == "TMP_REFERRAL" and f["status"] == "effective"]
            return held[0] if held else None

        self.told.filing = self._until(effective, "the filing")
        no, last = self.told.filing["no"], self.told.filing["last"]
        self._say(t(f"备案自动办理，{last} 前有效：{no}", f"filed by itself, valid until {last}: {no}"))

    def admit(self) -> None:
        """Admission: who it is, whether he may be settled directly, the bed."""
        patient = self._cast.patient
        body = {
            "patient": {"id_number": patient.id_number, "name": patient.name},
            "insured": patient.city,
            "insutype": patient.insutype,
            "begin": datetime.now(ZONE).isoformat(),
            "department": "心脏外科",
            "diagnosis": {"code": "I25.103", "name": "冠状动脉粥样硬化性心脏病"},
            "med_type": "23",
        }
        stay = self._post(self._cast.shanghai, "/v1/medical/stays", body)
        self.told.stay = stay
        self._settled_down("open")
        category = self.told.stay["category"]
        self._say(t(f"入院登记 {stay['no']}，待遇类别 {category}", f"admitted: {stay['no']}, settled as {category}"))
        self._post(
            self._cast.shanghai, f"/v1/medical/referrals/{self.told.referral['no']}/admit", {"day": f"{self._today}"}
        )

    def upload_reports(self) -> None:
        """Two reports were made at home: a CT with the mark, and a blood test."""
        taken = datetime.now(ZONE) - timedelta(days=3)
        for item in (CT, BLOOD):
            self._cast.upload_report(item, taken)

    def recognise(self) -> None:
        """The patient consents, the physician recognises the CT and has the blood test done anew, with the reason."""
        doctor, patient = self._cast.shanghai, self._cast.patient
        body = {
            "patient": {"certificate_no": patient.id_number, "psn_no": patient.psn_no},
            "insured": patient.city,
            "insutype": patient.insutype,
            "sources": [patient.city],
            "items": [CT, BLOOD],
            "institution_name": "示例徐汇综合医院",
            "about": self.told.stay["no"],
        }
        asked = self._post(doctor, "/v1/medical/recognitions", body)
        path = f"/v1/medical/recognitions/{asked['no']}"
        text = self._get(self._cast.citizen, path)["consent_text"]
        self._post(self._cast.citizen, f"{path}/consent", {"granted": True, "version": text["version"]})
        self._say(t("患者同意查询既往检查", "the patient consents to earlier reports being looked at"))

        def read() -> dict[str, Any] | None:
            shown = self._get(doctor, path)
            return shown if shown["status"] == "deciding" and len(shown["reports"]) >= 2 else None

        shown = self._until(read, "the reports")
        for report in (report for report in shown["reports"] if report["state"] == "open"):
            recognised = report["item"] == CT
            decision: dict[str, Any] = {"report": report["id"], "decision": "recognise" if recognised else "re_examine"}
            if not recognised:
                decision |= {"reason": "R1_CHANGED", "words": "术前血糖变化，需复查"}
            self._post(doctor, f"{path}/decisions", decision)
            word = t("互认", "recognised") if recognised else t("重新检查，理由：病情变化", "done anew: it has changed")
            self._say(t(f"{report['name']['zh']}：{word.zh}", f"{report['name']['en']}: {word.en}"))
        self._post(self._cast.citizen, f"{path}/acknowledge")
        self.told.recognition = self._get(doctor, path)

    def treat(self) -> None:
        """Fees go up in two uploads; the recognised CT may not be charged again."""
        path = f"/v1/medical/stays/{self.told.stay['no']}/fees"
        line = self._line("X1", CT_CHARGE, "胸部CT平扫", 1, 30000)
        refused = self._cast.shanghai.call("POST", path, json={"lines": [line]}, headers=new_key())
        self.told.charged_again = refused.status_code
        why = refused.json().get("detail", "")
        self._say(t(f"已互认的CT再次收费：被拒 {refused.status_code}", f"charging the CT again: refused, {why}"))
        surgery = [
            self._line("F1", A_LIMITED, "甲类药品（限价）", 3, 20000),
            self._line("F2", A, "甲类药品", 1, 1590000),
            self._line("F3", B10, "乙类药品一", 1, 800000),
        ]
        rest = [
            self._line("F4", B20, "乙类药品二", 1, 600000),
            self._line("F5", C, "丙类药品", 1, 150000),
        ]
        for lines in (surgery, rest):
            self._act("fees", {"lines": lines})
        total = self.told.stay["total"]
        self._say(t(f"费用明细已上传，合计 {yuan(total)} 元", f"fees uploaded, {yuan(total)} yuan in all"))

    def discharge(self) -> None:
        """The patient goes home."""
        body = {
            "at": datetime.now(ZONE).isoformat(),
            "way": "1",
            "diagnosis": {"code": "I25.103", "name": "冠状动脉粥样硬化性心脏病"},
        }
        self._act("discharge", body)

        def again() -> None:
            if self._stay()["status"] == "open" and not self.told.stay["running"]:
                self._act("discharge", body)

        self._settled_down("discharged", again)
        self._say(t("出院", "discharged"))

    def preview(self) -> None:
        """What would have to be paid; nothing is settled by it."""

        def shown() -> dict[str, Any] | None:
            stay = self._stay()
            return stay if stay["preview"] is not None and not stay["running"] else None

        self._act("preview", None)
        self.told.preview = self._until(shown, "the preview", again=lambda: self._act("preview", None))["preview"]

    def settle(self) -> None:
        """The funds pay their part at once."""
        self._settle()
        self._say(self._who_pays("结算", "settled"))

    def reverse(self) -> None:
        """A line was wrong: the settlement is undone, its bill cancelled by a red-letter bill."""
        standing = self._standing()
        body = {"no": self.told.stay["no"], "settlement": standing["settlement"], "reason": "wrong_line"}
        self._post(self._cast.shanghai, "/v1/medical/reversals", body)

        def again() -> None:
            if self._stay()["status"] == "settled" and not self.told.stay["running"]:
                self._post(self._cast.shanghai, "/v1/medical/reversals", body)

        self._settled_down("discharged", again)

        def cancelled() -> dict[str, Any] | None:
            stay = self._stay()
            first = next(s for s in stay["settlements"] if s["settlement"] == standing["settlement"])
            return stay if first["bill"] and first["bill"]["red_lettered"] else None

        self.told.stay = self._until(cancelled, "the red-letter bill")
        self._say(t("撤销结算，电子票据冲红", "undone, the e-bill is cancelled by a red-letter bill"))

    def settle_again(self) -> None:
        """And settled again."""
        self._settle()
        self._say(self._who_pays("再次结算", "settled again"))

    def close_referral(self) -> None:
        """The outcome goes back to the hospital at home."""
        no = self.told.referral["no"]
        body = {"outcome": "improved", "day": f"{self._today}", "summary": "术后恢复良好，回当地康复。"}
        self._post(self._cast.shanghai, f"/v1/medical/referrals/{no}/outcome", body)
        self.told.referral = self._get(self._cast.home, f"/v1/medical/referrals/{no}")
        self._say(t("转诊闭环：治疗结果已回告", "the referral is closed: its outcome is known at home"))

    def look_back(self) -> None:
        """The patient sees who paid what and why, and who has looked at his data."""
        for done in self.told.stay["settlements"]:
            if not done["undoes"]:
                fact = self._get(self._cast.citizen, f"/v1/medical/settlements/{done['settlement']}")
                self.told.facts.append(fact)
        before = ""
        while True:
            page = self._get(self._cast.citizen, f"/v1/medical/access-log?limit=100{before}")
            self.told.reads += page["reads"]
            if page["next"] is None:
                break
            before = f"&before={page['next']}"
        lines = self.told.facts[-1]["recomputed"]["explanation"] if self.told.facts[-1]["recomputed"] else []
        self._say(
            t(
                f"患者可逐行核对：{len(lines)} 行说明",
                f"the patient can recompute it: {len(lines)} lines of explanation",
            )
        )

    # helpers

    def _settle(self) -> None:
        self._act("settlement", {"use_account": True})

        def billed() -> dict[str, Any] | None:
            stay = self._stay()
            standing = [s for s in stay["settlements"] if not s["undoes"] and not s["undone_by"]]
            return stay if stay["status"] == "settled" and standing[-1]["bill"] else None

        def again() -> None:
            if self._stay()["status"] == "discharged":
                self._act("settlement", {"use_account": True})

        self.told.stay = self._until(billed, "the settlement and its bill", again=again)
        self.told.bills.append(self._standing()["bill"])

    def _standing(self) -> dict[str, Any]:
        found: dict[str, Any] = next(s for s in self.told.stay["settlements"] if not s["undoes"] and not s["undone_by"])
        return found

    def _who_pays(self, zh: str, en: str) -> Text:
        amounts = self._standing()["amounts"]
        fund, own = yuan(amounts["fund_pay_sumamt"]), yuan(amounts["psn_part_amt"])
        total = yuan(amounts["medfee_sumamt"])
        return t(
            f"{zh}：总额 {total}，基金支付 {fund}，个人负担 {own}",
            f"{en}: {total}, the funds {fund}, the patient {own}",
        )

    @staticmethod
    def _line(serial: str, item: str, name: str, count: int, price: int) -> dict[str, Any]:
        return {
            "serial": serial, "item": item, "name": name, "at": datetime.now(ZONE).isoformat(), "count": str(count),
            "price": price, "amount": price * count,
        }  # fmt: skip

    def _act(self, what: str, body: dict[str, Any] | None) -> None:
        """Something is done in the stay, and its message is let end."""
        path = f"/v1/medical/stays/{self.told.stay['no']}/{what}"
        self._post(self._cast.shanghai, path, body)
        self._until(lambda: None if self._stay()["running"] else self._stay(), what)

    def _stay(self) -> dict[str, Any]:
        self.told.stay = self._get(self._cast.shanghai, f"/v1/medical/stays/{self.told.stay['no']}")
        return self.told.stay

    def _settled_down(self, status: str, again: Callable[[], object] | None = None) -> None:
        def there() -> dict[str, Any] | None:
            stay = self._stay()
            return stay if stay["status"] == status and not stay["running"] else None

        self._until(there, f"the stay to be {status}", again)

    def _post(self, who: Person, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request under one key; sent again while its twin is under way or a part is down."""
        key, until = new_key(), time.monotonic() + self._patience_s
        while True:
            more: dict[str, Any] = {} if body is None else {"json": body}
            answer = who.call("POST", path, headers=key, **more)
            told: dict[str, Any] = answer.json() if answer.content else {}
            waits = answer.status_code == 409 and told.get("code") in {"in_flight", "message_running"}
            if answer.is_success:
                return told
            if not waits or time.monotonic() > until:
                raise DemoError(f"POST {path}: {answer.status_code}: {answer.text[:500]}")
            if told.get("code") == "message_running":
                key = new_key()
            time.sleep(LOOK_EVERY_S)

    @staticmethod
    def _get(who: Person, path: str) -> dict[str, Any]:
        found: dict[str, Any] = who.do("GET", path).json()
        return found

    def _until(
        self, look: Callable[[], dict[str, Any] | None], what: str, again: Callable[[], object] | None = None
    ) -> dict[str, Any]:
        """Looks until it is there. ``again``: what a person would do when it did not come about."""
        until, tried = time.monotonic() + self._patience_s, time.monotonic()
        while True:
            found = look()
            if found is not None:
                return found
            now = time.monotonic()
            if now > until:
                raise DemoError(f"{what} did not come: {self.told.stay or self.told.referral}")
            if again is not None and now > tried + 5:
                tried = now
                again()
            time.sleep(LOOK_EVERY_S)


def yuan(fen: int) -> str:
    """1234567 -> 12,345.67"""
    return f"{fen / 100:,.2f}"

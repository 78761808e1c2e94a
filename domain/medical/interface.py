"""Messages of the insurance interface as the house has them: typed, frozen, amounts in fen.

The wire is docs/reference/insurance-interface.md; names of fields are its names. A body travels as JSON text with
amounts as texts of yuan ("32000.00"), so that nothing in between makes floats of them; the models here read and write
that form. What the national interface does not name is ours and marked so on that page.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field, PlainSerializer

from domain.calendar import SHANGHAI
from domain.medical.interface_words import fen
from domain.messages import Message
from domain.money import yuan

HUB = "hub"


def _fen(value: object) -> int:
    """Fen, out of text or a decimal of yuan; an int is fen already."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str | Decimal):
        raise ValueError("no amount")
    return fen(value)


Fen = Annotated[int, BeforeValidator(_fen), PlainSerializer(yuan, return_type=str)]
Output = TypeVar("Output", bound=Message)


def message_id(institution: str, at: datetime, sequence: int) -> str:
    """A msgid: institution 12, yyyyMMddHHmmss in Asia/Shanghai, sequence 4 (0-9999). ValueError for a misfit."""
    if len(institution) != 12 or not institution.isascii() or not institution.isalnum():
        raise ValueError("an institution code has 12 characters")
    if not 0 <= sequence <= 9999 or at.tzinfo is None:
        raise ValueError("sequence 0-9999, a time with a zone")
    return f"{institution}{at.astimezone(SHANGHAI):%Y%m%d%H%M%S}{sequence:04}"


class InsuranceMessage(Message):
    """One message to send. ``place``: mdtrtarea_admvs, six digits; its province's platform takes it.

    to: "hub" for the hub itself (3202), "" otherwise. insured: insuplc_admdvs. person: psn_no that the answer has to
    be about, "" where none is known yet. at: when it was made (inf_time). body: ``input``, JSON text.
    """

    infno: str = Field(pattern=r"^[0-9X][0-9A-Z]{3}$")
    msgid: str = Field(pattern=r"^[0-9A-Za-z]{30}$")
    place: str = Field(pattern=r"^[0-9]{6}$")
    insured: str = Field(default="", pattern=r"^([0-9]{6})?$")
    institution: str = Field(pattern=r"^[0-9A-Za-z]{12}$")
    institution_name: str = ""
    person: str = ""
    at: datetime
    body: str = "{}"
    to: str = ""
    operator: str = "tongban"
    operator_name: str = "通办"
    operator_type: str = "1"


class InsuranceAnswer(Message):
    """A good answer: signed, about the right message, person and visit. ``body``: ``output``, JSON text."""

    infno: str
    msgid: str
    body: str

    def output(self, model: type[Output]) -> Output:
        """The output, typed."""
        return model.model_validate_json(self.body)


# inputs


class FeeDetail(Message):
    """A fee line for 2301, 2204. cnt * pric is det_item_fee_sumamt, rounded half up."""

    feedetl_sn: str
    med_list_codg: str
    med_list_name: str = ""
    fee_ocur_time: str
    cnt: str
    pric: str
    det_item_fee_sumamt: Fen


class FeeDetails(Message):
    """2301, 2204."""

    psn_no: str
    mdtrt_id: str
    feedetail: tuple[FeeDetail, ...]


class ToSettle(Message):
    """2303, 2304, 2206, 2207."""

    psn_no: str
    mdtrt_id: str
    insutype: str
    medfee_sumamt: Fen
    acct_used_flag: str = "1"


class ToUndo(Message):
    """2305, 2208."""

    psn_no: str
    mdtrt_id: str
    setl_id: str


class ToReverse(Message):
    """2601."""

    psn_no: str
    omsgid: str
    oinfno: str


class ToFile(Message):
    """X511, ours. enddate "": long term."""

    psn_no: str
    insutype: str
    category: str
    begndate: str
    enddate: str
    dest_admdvs: str
    filing_no: str


# outputs


class BaseInfo(Message):
    """Who somebody is at the insured place."""

    psn_no: str
    certno: str
    psn_cert_type: str
    psn_name: str
    gend: str
    brdy: str


class InsuInfo(Message):
    """One insurance relation. psn_insu_stas 1: entitled. balc: of the personal account. aid: the class of medical aid
    he is entitled to, ours.
    """

    insutype: str
    psn_type: str
    psn_insu_stas: str
    insuplc_admdvs: str
    balc: Fen
    aid: str = ""


class PersonOutput(Message):
    """1101."""

    psn_no: str
    baseinfo: BaseInfo
    insuinfo: tuple[InsuInfo, ...]


class BenefitOutput(Message):
    """2001. trt_chk_rslt 1: may be settled directly; otherwise ``reason`` names why not."""

    psn_no: str
    trt_chk_rslt: str
    category: str
    trt_dcla_detl_sn: str
    reason: str


class VisitOutput(Message):
    """2401, 2201, 2402 and whatever else only says that it was done."""

    psn_no: str
    mdtrt_id: str


class FeeResult(Message):
    """A fee line as the treatment place has split it. chrgitm_lv 01, 02, 03: 甲, 乙, 丙."""

    feedetl_sn: str
    det_item_fee_sumamt: Fen
    cnt: str
    pric: str
    pric_uplmt_amt: str
    selfpay_prop: str
    fulamt_ownpay_amt: Fen
    overlmt_amt: Fen
    preselfpay_amt: Fen
    inscp_scp_amt: Fen
    chrgitm_lv: str
    hi_nego_drug_flag: str
    lmt_used_flag: str
    drt_reim_flag: str


class FeesOutput(VisitOutput):
    """2301, 2204."""

    result: tuple[FeeResult, ...]


class SetlInfo(Message):
    """A settlement (setl_id "" in a preview) or an undoing, all of whose amounts are negative. Amounts in fen."""

    psn_no: str
    mdtrt_id: str
    setl_id: str
    orig_setl_id: str
    setl_time: str
    medfee_sumamt: Fen
    fulamt_ownpay_amt: Fen
    overlmt_selfpay: Fen
    preselfpay_amt: Fen
    inscp_scp_amt: Fen
    act_pay_dedc: Fen
    hifp_pay: Fen
    pool_prop_selfpay: str
    cvlserv_pay: Fen
    hifes_pay: Fen
    hifmi_pay: Fen
    hifob_pay: Fen
    maf_pay: Fen
    oth_pay: Fen
    fund_pay_sumamt: Fen
    psn_part_amt: Fen
    acct_pay: Fen
    psn_cash_pay: Fen
    hosp_part_amt: Fen
    balc: Fen
    acct_mulaid_pay: Fen
    medins_setl_id: str
    clr_optins: str
    clr_way: str
    clr_type: str
    category: str
    filing: str
    pack: str
    pack_version: str
    setl_year: str


class SettlementOutput(VisitOutput):
    """2303, 2304, 2305, 2206, 2207, 2208."""

    setlinfo: SetlInfo


class ReversalOutput(Message):
    """2601. rev_rslt: reversed | never_arrived."""

    psn_no: str
    omsgid: str
    oinfno: str
    rev_rslt: str


class DeclarationOutput(Message):
    """2501-2506, X511, X512: the number of a filing, certificate or choice."""

    psn_no: str
    trt_dcla_detl_sn: str


class SettlementRow(Message):
    """One settlement or undoing of 5203. stas 1: in force."""

    setlinfo: SetlInfo
    msgid: str
    infno: str
    kind: str
    stas: str


class SettlementsOutput(Message):
    """5203. msg_stas, where asked by msgid: done | never_arrived | reversed | tombstone."""

    psn_no: str
    msg_stas: str
    mdtrt_id: str = ""
    rows: tuple[SettlementRow, ...]


class YearOutput(Message):
    """5206."""

    psn_no: str
    cuminfo: YearTotalsInfo


class YearTotalsInfo(Message):
    """What the stays of a year have used up."""

    insutype: str
    cum_year: str
    stays: int
    pool: Fen
    over_cap: Fen
    big_illness_base: Fen
    medical_aid: Fen


class BookRow(Message):
    """One row of a book (3202): a settlement, or an undoing, which is negative. kind: settle | undo."""

    seq: int
    at: str
    day: str
    kind: str
    setl_id: str
    orig_setl_id: str
    msgid: str
    infno: str
    mdtrt_id: str
    psn_no: str
    insutype: str
    insuplc_admdvs: str
    mdtrtarea_admvs: str
    fixmedins_code: str
    clr_type: str
    setl_year: str
    medfee_sumamt: Fen
    fund_pay_sumamt: Fen
    hifp_pay: Fen
    hifob_pay: Fen
    hifmi_pay: Fen
    maf_pay: Fen
    acct_pay: Fen
    psn_cash_pay: Fen
    psn_part_amt: Fen
    hosp_part_amt: Fen


class BookOutput(Message):
    """3202, one page of it."""

    rows: tuple[BookRow, ...]
    total: int
    page: int
    pages: int


YearOutput.model_rebuild()

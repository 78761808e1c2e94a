"""Mutual recognition of examinations and tests (检查检验结果互认): 国卫医发〔2022〕6号, domain note 4.

messages.py   what is listed, what a report says, what is decided, what people read
reports.py    what the platforms say (5461, 5401, 5402), read strictly and without the conclusion
rules.py      the conditions, each with what it looked at; they forbid or allow, the physician decides
course.py     consent, reading, decisions, what is explained
fees.py       no second charge for what was recognised
"""

from domain.medical.recognition.course import RecognitionCourse
from domain.medical.recognition.fees import DoubleCharge, FeeLine, Recognised, double_charged, recognised_items
from domain.medical.recognition.messages import (
    AcknowledgeAct,
    CancelAct,
    ConsentAct,
    DecideAct,
    Decision,
    Facts,
    Finding,
    ItemKind,
    ListedItem,
    Reason,
    RecognitionAct,
    RecognitionList,
    RecognitionStart,
    RecognitionStatus,
    RecognitionView,
    ReportEntry,
    ReportState,
    ReportView,
    Technical,
    Terms,
    WithdrawAct,
)
from domain.medical.recognition.rules import forbidden, judge, mark_covers

__all__ = [
    "AcknowledgeAct",
    "CancelAct",
    "ConsentAct",
    "DecideAct",
    "Decision",
    "DoubleCharge",
    "Facts",
    "FeeLine",
    "Finding",
    "ItemKind",
    "ListedItem",
    "Reason",
    "Recognised",
    "RecognitionAct",
    "RecognitionCourse",
    "RecognitionList",
    "RecognitionStart",
    "RecognitionStatus",
    "RecognitionView",
    "ReportEntry",
    "ReportState",
    "ReportView",
    "Technical",
    "Terms",
    "WithdrawAct",
    "double_charged",
    "forbidden",
    "judge",
    "mark_covers",
    "recognised_items",
]

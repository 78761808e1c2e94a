"""Who pays what of a medical bill: the settlement engine of medical insurance (domain note 3.6).

    pack JSON --read_pack--> PolicyPack \\
                                         settle --> Settled --document--> result and explanation, as JSON prints it
    claim JSON --read_claim--> Claim    /              |
                                                       settlement --reverse--> all of it negated

    money.py        fen and ratios: how they are written, the one rounding
    faults.py       what can be wrong: code, zh and en, JSON pointer
    reading.py      JSON, read strictly
    pack.py         the policy of a pooling area      claim.py        a bill, and whose
    lines.py        fee lines into their parts        pool.py         deductible, bands, caps, over-cap fund
    relief.py       big-illness insurance, aid        settling.py     the order of it all
    result.py       the settlement                    year.py         what a year adds up to
    reversal.py     undoing                           printed.py      the JSON of a result
    explanation.py, explained_funds.py, step.py       line by line, to recompute

Amounts are whole fen, ratios exact fractions; nothing here reads a file or knows a place's policy.
"""

from domain.settlement.claim import Claim, Fee, FeeClass, read_claim
from domain.settlement.explanation import explain
from domain.settlement.faults import FAULTS, Fault, SettlementRefused
from domain.settlement.pack import PolicyPack, read_pack
from domain.settlement.printed import document
from domain.settlement.result import AMOUNTS, Settlement
from domain.settlement.reversal import reverse
from domain.settlement.settling import Settled, settle
from domain.settlement.step import ExplanationLine
from domain.settlement.year import YearTotals

__all__ = [
    "AMOUNTS",
    "FAULTS",
    "Claim",
    "ExplanationLine",
    "Fault",
    "Fee",
    "FeeClass",
    "PolicyPack",
    "Settled",
    "Settlement",
    "SettlementRefused",
    "YearTotals",
    "document",
    "explain",
    "read_claim",
    "read_pack",
    "reverse",
    "settle",
]

"""One line of an explanation.

Formulas know + − × ÷, parentheses, min, max and round, which is to the fen, half up; nothing is rounded elsewhere.
"""

from __future__ import annotations

from domain.messages import Message, Text
from domain.money import yuan


class ExplanationLine(Message):
    """One step. amount: yuan. field: of the result, or the name of a value in between.

    rule: section of the domain note and name of the formula. path: the place in the pack that decides, "" if none does;
    also: further places that count. claim_path: the place in the claim that it begins with, "" if none.
    """

    field: str
    text: Text
    formula: str
    amount: str
    rule: str
    path: str = ""
    also: tuple[str, ...] = ()
    claim_path: str = ""


def step(
    field: str,
    words: tuple[str, str],
    formula: str,
    fen: int,
    rule: str,
    path: str = "",
    *,
    also: tuple[str, ...] = (),
    claim_path: str = "",
) -> ExplanationLine:
    """The line; words: zh and en, before the formula."""
    amount = yuan(fen)
    shown = f"{formula} = {amount}" if formula != amount else amount
    text = Text(zh=f"{words[0]}：{shown} 元", en=f"{words[1]}: {shown} yuan")
    return ExplanationLine(
        field=field,
        text=text,
        formula=formula,
        amount=amount,
        rule=f"3.6 {rule}",
        path=path,
        also=also,
        claim_path=claim_path,
    )

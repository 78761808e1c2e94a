"""Money is exact to the fen, whatever the wire writes it in."""

from __future__ import annotations

from adapters.conformance.bench import TAKEN, Bench, answer_of
from adapters.conformance.model import check
from domain.effects import Verb


async def _exact(b: Bench, *amounts: str) -> None:
    adapter, sample = b.adapter(), b.sample("money")
    field, result = next(iter(sample.echo.items()), ("amount_fen", ""))
    for amount in amounts:
        call = b.call(sample, fields={field: amount})
        first = b.expect(await b.ask(adapter, call, f"call with {field} = {amount}"), *TAKEN)
        told = [answer_of(b.expect(await b.settled(adapter, call, first), "accepted"))]
        if b.can(Verb.FIND):
            told.append(answer_of(b.expect(await b.find(adapter, call), "accepted")))
        for answer in told if result else []:
            got = answer.data.get(result, "")
            b.require(got == amount, f"{amount} 分变成 {got or '空'}", f"{amount} fen have become {got or 'nothing'}")


@check("MNY-01", "money-exact", "最小与最大金额", "the smallest and the largest amount",
       verbs=(Verb.SUBMIT,), samples=("money",))  # fmt: skip
async def extremes(b: Bench) -> None:
    await _exact(b, "1", "10", "100", "9999999999", "0")


@check("MNY-02", "money-exact", "浮点数会算错的金额", "amounts that binary fractions get wrong",
       verbs=(Verb.SUBMIT,), samples=("money",))  # fmt: skip
async def fractions(b: Bench) -> None:
    await _exact(b, "12345", "29", "57", "115", "1999", "1005", "113", "999999999")


@check("MNY-03", "money-whole", "不是整数分的金额在发送前被拒", "what is not whole fen is refused before it is sent",
       verbs=(Verb.SUBMIT,), samples=("money",))  # fmt: skip
async def not_whole(b: Bench) -> None:
    sample = b.sample("money")
    field = next(iter(sample.echo), "amount_fen")
    for amount in ("1.5", "1e3", "twelve", "１２", " 12", "1,000"):
        call = b.call(sample, fields={field: amount})
        outcome = await b.ask(b.adapter(), call, f"call with {field} = {amount!r}")
        b.expect(outcome, "ContractBroken", "Misconfigured")
        b.require(not b.requests(call), f"{amount!r} 仍然发送了", f"{amount!r} was sent all the same")

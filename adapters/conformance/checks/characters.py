"""Names as people have them: every character arrives and comes back."""

from __future__ import annotations

from adapters.conformance.bench import TAKEN, Bench, answer_of
from adapters.conformance.model import check
from domain.effects import Verb

_RARE = "\U00020bb7\U0002a6a5\U00030edd\U000300db㐂䶮"  # extensions A, B and G
_FORTY = "阿依古丽·买买提伊敏·吐尔逊那依" * 2 + "古丽巴哈尔·阿不都热"


async def _comes_back(b: Bench, *texts: str) -> None:
    """Each text is sent in the field that the target gives back; without one, that it is taken has to do."""
    sample = b.sample("text" if "text" in b.kit.profile.samples else "submit")
    adapter = b.adapter()
    field, result = next(iter(sample.echo.items()), ("kit_note", ""))
    for text in texts:
        call = b.call(sample, fields={field: text})
        first = b.expect(await b.ask(adapter, call, f"call with {field} = {len(text)} characters"), *TAKEN)
        end = answer_of(b.expect(await b.settled(adapter, call, first), "accepted"))
        if not result:
            continue
        _same(b, text, end.data.get(result, ""))
        if b.can(Verb.FIND):
            _same(b, text, answer_of(b.expect(await b.find(adapter, call), "accepted")).data.get(result, ""))


def _same(b: Bench, sent: str, got: str) -> None:
    points = [f"U+{ord(char):04X}" for char in sent if char not in got][:5]
    b.require(
        got == sent,
        f"送出的文字未原样返回（{' '.join(points) or '次序或空白'}）",
        f"a text does not come back as it was sent ({' '.join(points) or 'order or blanks'})",
    )


@check("CHR-01", "characters-kept", "生僻字", "rare characters, CJK extension B and later",
       verbs=(Verb.SUBMIT,))  # fmt: skip
async def rare(b: Bench) -> None:
    await _comes_back(b, f"王{_RARE}", _RARE[0])


@check("CHR-02", "characters-kept", "少数民族姓名的间隔号", "minority names with a middle dot",
       verbs=(Verb.SUBMIT,))  # fmt: skip
async def middle_dot(b: Bench) -> None:
    await _comes_back(b, "阿依古丽·买买提", "吾守尔·阿不都热依木・一")


@check("CHR-03", "characters-kept", "全角字符", "full-width letters, digits and brackets", verbs=(Verb.SUBMIT,))
async def full_width(b: Bench) -> None:
    await _comes_back(b, "ＡＢＣ１２３（Ⅳ）　ｘ")


@check("CHR-04", "characters-kept", "一个字与四十个字", "one character and forty", verbs=(Verb.SUBMIT,))
async def lengths(b: Bench) -> None:
    await _comes_back(b, "王", _FORTY[:40])


@check("CHR-05", "characters-kept", "标记、引号与反斜杠", "markup, quotes and backslashes stay what they are",
       verbs=(Verb.SUBMIT,))  # fmt: skip
async def markup(b: Bench) -> None:
    await _comes_back(b, '<b a="1">&amp;&lt;\'\\n\\\\%20+%E4</b>]]>', "=1+1;--", '{}[]:,"')


@check("CHR-06", "characters-kept", "空格与空值", "blanks within, and text that looks like something else",
       verbs=(Verb.SUBMIT,))  # fmt: skip
async def blanks(b: Bench) -> None:
    await _comes_back(b, "安 徽  合肥", "null", "true", "0012", "1e5")


@check("CHR-07", "characters-kept", "换行", "line feeds within a text", verbs=(Verb.SUBMIT,))
async def lines(b: Bench) -> None:
    await _comes_back(b, "第一行\n第二行")


@check("CHR-08", "characters-kept", "表情与组合字符", "characters beyond any code page, and combined ones",
       verbs=(Verb.SUBMIT,))  # fmt: skip
async def combined(b: Bench) -> None:
    await _comes_back(b, "e\u0301\u4e00\ufe00", "😀👨‍👩‍👧", "العربية ᠮᠣᠩᠭᠣᠯ བོད")


@check("CHR-09", "unsendable-refused", "无法发送的文字在发送前被拒", "text that cannot be sent is refused before it is",
       verbs=(Verb.SUBMIT,), samples=("submit",))  # fmt: skip
async def half(b: Bench) -> None:
    call = b.call(fields={"kit_note": "半\ud842"})
    b.expect(await b.ask(b.adapter(), call, "call with half a surrogate pair"), "ContractBroken", "Misconfigured")
    b.require(not b.requests(call), "仍然发送了", "it was sent all the same")

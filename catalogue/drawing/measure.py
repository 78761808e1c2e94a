"""How wide a text is at a size, without a font: wide characters are one em, the others what is wide for them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_NARROW = frozenset("iljtfr.,:;'|!()[]{}I -")
_BROAD = frozenset("mMW@%")


def clean(text: str) -> str:
    """One line that any XML reader takes: controls become spaces, what turns or hides text goes."""
    kept = []
    for char in text:
        category = unicodedata.category(char)
        if category in {"Cc", "Zl", "Zp"}:
            kept.append(" ")
        elif category not in {"Cf", "Cs", "Cn", "Co"}:
            kept.append(char)
    return re.sub(" +", " ", "".join(kept)).strip()


def width(text: str, size: float) -> float:
    """The width in units of the picture; rather too much than too little (as DejaVu Sans)."""
    return sum(_em(char) for char in text) * size


@cache
def _em(char: str) -> float:
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in {"W", "F", "A"}:
        return 1.0
    if char in _NARROW:
        return 0.42
    if char in _BROAD:
        return 1.0
    if char.isupper() or char in "w&+<>=~#":
        return 0.84
    return 0.64 if ord(char) < 0x2000 else 1.0


def wrap(text: str, size: float, limit: float, most: int = 4) -> list[str]:
    """The lines of a text, none wider than ``limit``; Latin words stay whole if they fit, what is too much ends in …"""
    lines: list[str] = []
    line = ""
    for piece in _pieces(clean(text), size, limit):
        if line and width((line + piece).rstrip(), size) > limit:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    if line.strip():
        lines.append(line.rstrip())
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while last and width(f"{last}…", size) > limit:
        last = last[:-1]
    return [*lines[: most - 1], f"{last.rstrip()}…"]


def _pieces(text: str, size: float, limit: float) -> list[str]:
    """What may not be torn: words with the space after them, single wide characters with the punctuation they carry."""
    found = re.findall(
        r"[\u2e80-\uffef\U00020000-\U0003ffff][，。、；：？！）》」』]*|[^\s\u2e80-\uffef]+ ?|\s|.", text
    )
    pieces: list[str] = []
    for piece in found:
        while width(piece.rstrip(), size) > limit and len(piece) > 1:
            cut = len(piece) - 1
            while cut > 1 and width(piece[:cut], size) > limit:
                cut -= 1
            pieces.append(piece[:cut])
            piece = piece[cut:]
        pieces.append(piece)
    return pieces

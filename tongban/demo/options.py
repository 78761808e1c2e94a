"""The words of ``make demo ARGS=…``: which courses are played, and how they are shown."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tongban.demo.course import Course
from tongban.demo.courses import BY_SERVICE, MOVE, REFUSE, THREE_ENDS, WITHDRAW
from tongban.demo.words import Lang

ALL, MEDICAL = "all", "medical"
CAN_BE_PLAYED = f"可演示 what can be played: {ALL}, {MEDICAL}, {', '.join(BY_SERVICE)}"


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    courses: tuple[Course, ...]
    medical: bool
    lang: Lang
    fast: bool
    data_dir: Path
    other_ports: bool


def parse(args: Sequence[str]) -> Options:
    """The options; SystemExit(2) with a text on standard error if there is no such thing, (0) after --help."""
    parser = _parser()
    given = parser.parse_args(args)
    words = [word if word in {ALL, MEDICAL} else word.upper() for word in given.what]
    known = {ALL, MEDICAL, *BY_SERVICE}
    if unknown := [word for word, read in zip(given.what, words, strict=True) if read not in known]:
        parser.error(f"没有此演示 nothing of that name: {', '.join(unknown)}\n{CAN_BE_PLAYED}")
    if given.ends is not None and set(words) - {MOVE.service}:
        parser.error(f"--refuse, --withdraw, --all: only of {MOVE.service}\n{CAN_BE_PLAYED}")
    medical = not {ALL, MEDICAL}.isdisjoint(words)
    chosen = list(BY_SERVICE) if ALL in words else [word for word in words if word != MEDICAL]
    courses = given.ends or tuple(BY_SERVICE[word] for word in dict.fromkeys(chosen))
    if not courses and not medical:
        courses = (MOVE,)
    return Options(courses, medical, Lang(given.lang), given.fast, given.data_dir, given.other_ports)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tongban demo",
        description="Everything on this machine: applications go through four provinces, are shown and checked.",
        epilog=f"{CAN_BE_PLAYED}. Without a name: {MOVE.service}.",
    )
    parser.add_argument("what", nargs="*", metavar="NAME", help=f"{ALL}, {MEDICAL}, or the code of a service")
    ends = parser.add_mutually_exclusive_group()
    for flag, courses, text in (
        ("--refuse", (REFUSE,), "the destination refuses; what took effect is undone"),
        ("--withdraw", (WITHDRAW,), "the applicant withdraws; what took effect is undone"),
        ("--all", THREE_ENDS, "all three ends of the company move, one after the other"),
    ):
        ends.add_argument(flag, dest="ends", action="store_const", const=courses, help=text)
    parser.add_argument("--fast", action="store_true", help="no pauses for people who watch")
    parser.add_argument("--lang", choices=[lang.value for lang in Lang], default=Lang.BOTH.value)
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("TONGBAN_DATA_DIR", ".data")))
    parser.add_argument("--other-ports", action="store_true", help="leave the usual ports to others")
    return parser

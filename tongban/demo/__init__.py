"""``make demo``: starts everything, takes one company from Hefei to Suzhou through four provinces, checks it, stops.

The demo is a client: people of the demo act through the public HTTP API, as real users would. Status 0: all that was
promised holds. 1: something does not, listed in red. 2: could not start. 130: interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.text import Text as Line

from tongban.demo import scenario as scenarios
from tongban.demo.checks import Point, points
from tongban.demo.closing import show, verdict
from tongban.demo.people import DemoError
from tongban.demo.play import Play
from tongban.demo.scenario import Scenario
from tongban.demo.starting import shown
from tongban.demo.words import Lang, t
from tongban.stack.errors import Interrupted, StackError
from tongban.stack.parts import ROOT, python_env
from tongban.stack.stack import Stack

PAUSE_S = 0.5
ROUTE = t("合肥 ➜ 苏州", "Hefei ➜ Suzhou")
HOLDS, BROKEN, NOT_STARTED, INTERRUPTED = 0, 1, 2, 130


def run(args: Sequence[str]) -> int:
    """The command; returns the exit status."""
    try:
        options = _parser().parse_args(args)
    except SystemExit as ended:
        return int(ended.code or 0)
    console = Console()
    live = sys.stdout.isatty() and not console.is_dumb_terminal
    lang = Lang(options.lang)
    stack = Stack(
        options.data_dir, usual_ports=not options.other_ports, say=lambda line: console.print(line, style="dim")
    )
    try:
        with _interruptible(stack) as asked:
            return _in_stack(stack, options.play, console, lang, live=live, fast=options.fast, asked=asked)
    except Interrupted:
        console.print(lang.say(t("已中断，全部停止。", "interrupted; everything is stopped.")), style="yellow")
        return INTERRUPTED
    except StackError as why:
        console.print(Line(str(why), style="bold red"), soft_wrap=True)
        return NOT_STARTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on; the exit must not stumble
        return BROKEN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tongban demo", description=__doc__.splitlines()[0] if __doc__ else "")
    course = parser.add_mutually_exclusive_group()
    for flag, plays, text in (
        ("--refuse", (scenarios.REFUSE,), "the destination refuses; what took effect is undone"),
        ("--withdraw", (scenarios.WITHDRAW,), "the applicant withdraws; what took effect is undone"),
        ("--all", scenarios.ALL, "all three courses, one after the other"),
    ):
        course.add_argument(flag, dest="play", action="store_const", const=plays, help=text)
    parser.add_argument("--fast", action="store_true", help="no pauses for people who watch")
    parser.add_argument("--lang", choices=[lang.value for lang in Lang], default=Lang.BOTH.value)
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("TONGBAN_DATA_DIR", ".data")))
    parser.add_argument("--other-ports", action="store_true", help="leave the usual ports to others")
    parser.set_defaults(play=(scenarios.MOVE,))
    return parser


class Asked:
    """Whether somebody asked to stop. A handler that only sets it takes no lock."""

    def __init__(self) -> None:
        self.to_stop = False

    def check(self) -> None:
        """Raises Interrupted once asked."""
        if self.to_stop:
            raise Interrupted("interrupted")


@contextmanager
def _interruptible(stack: Stack) -> Iterator[Asked]:
    """Ctrl-C ends a start that is under way (the stack's handler) and the play (ours)."""
    asked = Asked()
    with stack.signals():
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.getsignal(number) for number in numbers}

        def on_signal(number: int, frame: FrameType | None) -> None:
            asked.to_stop = True
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        for number in numbers:
            signal.signal(number, on_signal)
        yield asked


def _in_stack(
    stack: Stack, plays: Sequence[Scenario], console: Console, lang: Lang, *, live: bool, fast: bool, asked: Asked
) -> int:
    began = time.monotonic()
    try:
        with shown(stack, console, lang, live=live):
            stack.start()
        took = f"{time.monotonic() - began:.1f} s"
        console.print(
            lang.say(t(f"全部就绪，{took}", f"everything is up, {took}")), highlight=False, style="bold green"
        )
        found: list[Point] = []
        for scenario in plays:
            console.print()
            console.print(Line(f"== {lang.say(ROUTE)}: {lang.say(scenario.title)}", style="bold"), soft_wrap=True)
            play = Play(
                stack,
                scenario,
                console=console,
                lang=lang,
                live=live,
                pause_s=0 if fast or not live else PAUSE_S,
                halt=asked.check,
            )
            try:
                facts = play.run()
            except DemoError as why:
                found.append(Point(t("演示走到终点", "the course came to its end"), holds=False, found=str(why)))
                continue
            show(facts, console, lang)
            found += points(facts)
        console.print()
        found.append(_verify(stack, console, lang, asked))
        console.print()
        good = verdict(found, console, lang)
        total = f"{time.monotonic() - began:.1f} s"
        console.print(lang.say(t(f"用时 {total}", f"total {total}")), highlight=False, style="dim")
        return HOLDS if good else BROKEN
    except Interrupted:
        console.print(lang.say(t("正在停止 …", "stopping …")), style="yellow")
        raise
    finally:
        stack.stop()


def _verify(stack: Stack, console: Console, lang: Lang, asked: Asked) -> Point:
    """The invariants over all that is in this data folder, by the command that an operator would use."""
    console.print("python -m tongban verify", style="bold", highlight=False)
    argv = [sys.executable, "-m", "tongban", "verify", "--ask-provinces"]
    what = t("全部不变量成立", "every invariant holds")
    with subprocess.Popen(
        argv,
        cwd=ROOT,
        env=python_env(stack.settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches it through us
    ) as verify:
        try:
            while True:
                try:
                    output, _ = verify.communicate(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    asked.check()
        except BaseException:
            verify.kill()
            raise
    for line in output.decode(errors="replace").splitlines():
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    return Point(what, verify.returncode == 0, f"status {verify.returncode}")

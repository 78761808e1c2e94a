"""``make demo``: starts everything, takes applications through four provinces, checks what came of them, stops.

The demo is a client: people of the demo act through the public HTTP API, as real users would. Status 0: all that was
promised holds. 1: something does not, listed in red. 2: could not start, or nothing of that name. 130: interrupted.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from rich.console import Console
from rich.text import Text as Line

from tongban.demo.checks import Point, points
from tongban.demo.closing import Part, show, verdict
from tongban.demo.course import Course
from tongban.demo.medical.play import play_medical
from tongban.demo.options import Options, parse
from tongban.demo.people import DemoError
from tongban.demo.play import Play
from tongban.demo.starting import shown
from tongban.demo.words import t
from tongban.stack.errors import Interrupted, StackError
from tongban.stack.parts import ALL, ROOT, WITHOUT_MEDICAL, python_env
from tongban.stack.stack import Stack

PAUSE_S = 0.5
HOLDS, BROKEN, NOT_STARTED, INTERRUPTED = 0, 1, 2, 130


def run(args: Sequence[str]) -> int:
    """The command; returns the exit status."""
    try:
        options = parse(args)
    except SystemExit as ended:
        return int(ended.code or 0)
    # a terminal that says nothing of itself is taken for one that knows neither colours nor a cursor
    console = Console(force_terminal=None if os.environ.get("TERM") else False)
    live = console.is_terminal and sys.stdout.isatty() and not console.is_dumb_terminal
    lang = options.lang
    stack = Stack(
        options.data_dir,
        parts=ALL if options.medical else WITHOUT_MEDICAL,
        usual_ports=not options.other_ports,
        say=lambda line: console.print(line, style="dim"),
    )
    try:
        with _interruptible(stack) as asked:
            return _Performance(stack, options, console, live=live, halt=asked.check).give()
    except Interrupted:
        console.print(lang.say(t("已中断，全部停止。", "interrupted; everything is stopped.")), style="yellow")
        return INTERRUPTED
    except StackError as why:
        console.print(Line(str(why), style="bold red"), soft_wrap=True)
        return NOT_STARTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on; the exit must not stumble
        return BROKEN


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


@dataclass
class _Performance:
    """One start of the stack with all its courses."""

    stack: Stack
    options: Options
    console: Console
    live: bool
    halt: Callable[[], None]

    def give(self) -> int:
        """Starts, plays, checks, stops; returns the exit status."""
        console, lang, began = self.console, self.options.lang, time.monotonic()
        try:
            with shown(self.stack, console, lang, live=self.live):
                self.stack.start()
            took = f"{time.monotonic() - began:.1f} s"
            up = lang.say(t(f"全部就绪，{took}", f"everything is up, {took}"))
            console.print(up, highlight=False, style="bold green")
            parts = [self._course(course) for course in self.options.courses]
            if self.options.medical:
                parts.append(play_medical(self.stack, console, lang, self.halt))
            console.print()
            parts.append(Part("python -m tongban verify --ask-provinces", [self._verify()]))
            console.print()
            good = verdict(parts, console, lang)
            total = f"{time.monotonic() - began:.1f} s"
            console.print(lang.say(t(f"用时 {total}", f"total {total}")), highlight=False, style="dim")
            return HOLDS if good else BROKEN
        except Interrupted:
            console.print(lang.say(t("正在停止 …", "stopping …")), style="yellow")
            raise
        finally:
            self.stack.stop()

    def _course(self, course: Course) -> Part:
        console, lang = self.console, self.options.lang
        name = f"{course.service}  {lang.say(course.route)}: {lang.say(course.title)}"
        console.print()
        console.print(Line(f"== {name}", style="bold"), soft_wrap=True)
        pause_s = PAUSE_S if self.live and not self.options.fast else 0
        play = Play(self.stack, course, console=console, lang=lang, live=self.live, pause_s=pause_s, halt=self.halt)
        try:
            facts = play.run()
        except DemoError as why:
            return Part(name, [Point(t("演示走到终点", "the course came to its end"), holds=False, found=str(why))])
        show(facts, console, lang)
        return Part(name, points(facts))

    def _verify(self) -> Point:
        """The invariants over all that is in this data folder, by the command that an operator would use."""
        console = self.console
        console.print("python -m tongban verify --ask-provinces", style="bold", highlight=False)
        argv = [sys.executable, "-m", "tongban", "verify", "--ask-provinces"]
        with subprocess.Popen(
            argv,
            cwd=ROOT,
            env=python_env(self.stack.settings),
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
                        self.halt()
            except BaseException:
                verify.kill()
                raise
        for line in output.decode(errors="replace").splitlines():
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
        return Point(
            t("全部不变量成立", "every invariant holds"), verify.returncode == 0, f"status {verify.returncode}"
        )

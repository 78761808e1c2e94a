"""Keeps the parts running: starts them as soon as what they need is ready, restarts what dies, leaves nothing behind.

One thread watches each part. Another one, the spawner, starts all processes, because the kernel ties a
child's death signal to the *thread* that started it: the spawner lives exactly as long as this process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tongban.stack.child import Child, spawn, tail
from tongban.stack.errors import Interrupted, PartFailed, StackError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
STEADY_S = 10.0  # a part that ran this long starts again at the shortest pause
POLL_S = 0.05


class _Watched:
    """A part and its present process."""

    def __init__(self, child: Child, log: Path) -> None:
        self.child = child
        self.log = log
        self.ready = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.was_ready = False  # once at least
        self.restarts = 0
        self.thread: threading.Thread | None = None


class Supervisor:
    """``start()``, ``kill(name)``, ``pid(name)``, ``stop()``. ``say`` receives one line for everything worth telling.

    ``asked_to_stop`` ends a start that is under way. It is asked, not told: a signal handler that set an Event would
    wait for ever for the Event's lock if its own thread held that at this moment.
    """

    def __init__(
        self,
        children: Iterable[Child],
        logs: Path,
        say: Callable[[str], None],
        asked_to_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._parts = {child.name: _Watched(child, logs / f"{child.name}.log") for child in children}
        self._logs = logs
        self._say = say
        self._stopping = threading.Event()
        self._asked_to_stop = asked_to_stop
        self._failed: PartFailed | None = None
        self._changed = threading.Condition()
        self._spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
        self._stop_lock = threading.Lock()
        self._stopped = False
        for part in self._parts.values():
            if missing := set(part.child.needs) - set(self._parts):
                raise StackError(f"{part.child.name} needs {', '.join(sorted(missing))}")

    def start(self) -> None:
        """Starts all parts and returns when all are ready; stops everything and raises PartFailed if one is not."""
        self._logs.mkdir(parents=True, exist_ok=True)
        for part in self._parts.values():
            part.thread = threading.Thread(target=self._keep, args=(part,), name=f"keep-{part.child.name}", daemon=True)
            part.thread.start()
        try:
            with self._changed:
                while not (self._failed or self._asked_to_stop() or all(p.was_ready for p in self._parts.values())):
                    self._changed.wait(0.1)
        except BaseException:
            self.stop()
            raise
        if self._failed or self._asked_to_stop():
            self.stop()
            raise self._failed or Interrupted("interrupted while starting")

    def pid(self, name: str) -> int:
        """The part's present process id; StackError while it has none."""
        process = self._parts[name].process
        if process is None or process.returncode is not None:
            raise StackError(f"{name} has no process now")
        return process.pid

    def restarts(self, name: str) -> int:
        """How often the part has been started again."""
        return self._parts[name].restarts

    def kill(self, name: str) -> int:
        """SIGKILL, as an accident would; the part is started again. Returns the pid that was killed."""
        part = self._parts[name]
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        if part.process:
            part.process.wait()
        part.ready.clear()  # so that wait_ready() after this means the next process
        return pid

    def wait_ready(self, name: str, within_s: float = 30.0) -> bool:
        """Waits until the part is ready (again)."""
        return self._parts[name].ready.wait(within_s)

    def stop(self) -> None:
        """Stops all parts, those that need others first. Does nothing the second time."""
        self._stopping.set()
        with self._stop_lock:
            if self._stopped:
                return
            for level in self._levels_down():
                threads = [threading.Thread(target=self._end, args=(part,)) for part in level]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            for part in self._parts.values():
                if part.thread:
                    part.thread.join(5)
            self._spawner.shutdown(wait=True)
            self._stopped = True

    def _keep(self, part: _Watched) -> None:
        """The life of one part: wait for its needs, start, watch, start again."""
        if not self._wait_for_needs(part):
            return
        pause = FIRST_PAUSE_S
        deadline = time.monotonic() + part.child.ready_within_s
        while not self._stopping.is_set():
            began = time.monotonic()
            how = self._run_once(part, deadline)
            if part.child.once and how == "status 0":
                self._set_ready(part)
                return
            part.ready.clear()
            if self._stopping.is_set():
                return
            if not part.was_ready and (part.child.once or time.monotonic() > deadline):
                self._fail(part, how)
                return
            if time.monotonic() - began > STEADY_S:
                pause = FIRST_PAUSE_S
            part.restarts += 1
            self._say(f"{part.child.name} ended ({how}); starting it again in {pause:.1f} s")
            self._stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _run_once(self, part: _Watched, deadline: float) -> str:
        """One process of the part, from start to end. Returns how it ended."""
        try:
            if part.child.prepare:
                part.child.prepare()
            process = self._spawner.submit(self._spawn, part).result()
        except (OSError, RuntimeError, subprocess.SubprocessError) as why:
            return f"cannot start: {why}"
        except StackError as why:
            if not part.was_ready:
                self._fail(part, str(why))
            return str(why)
        if process is None:
            return "not started"
        if not part.child.once:
            self._await_ready(part, process, deadline)
        return _how(process.wait())

    def _await_ready(self, part: _Watched, process: subprocess.Popen[bytes], deadline: float) -> None:
        while process.poll() is None and not self._stopping.is_set():
            if part.child.ready(process.pid):
                self._set_ready(part)
                return
            if not part.was_ready and time.monotonic() > deadline:
                self._fail(part, f"not ready after {part.child.ready_within_s:.0f} s")
                return
            time.sleep(POLL_S)

    def _spawn(self, part: _Watched) -> subprocess.Popen[bytes] | None:
        if self._stopping.is_set():
            return None
        part.process = spawn(part.child, part.log)
        return part.process

    def _wait_for_needs(self, part: _Watched) -> bool:
        needed = [self._parts[name].ready for name in part.child.needs]
        with self._changed:
            self._changed.wait_for(lambda: self._stopping.is_set() or all(ready.is_set() for ready in needed))
        return not self._stopping.is_set()

    def _set_ready(self, part: _Watched) -> None:
        with self._changed:
            part.ready.set()
            part.was_ready = True
            self._changed.notify_all()

    def _fail(self, part: _Watched, why: str) -> None:
        log = f". Its log, {part.log}, ends:\n{tail(part.log)}" if part.process else ""
        with self._changed:
            self._failed = self._failed or PartFailed(f"{part.child.name}: {why}{log}")
            self._changed.notify_all()

    def _levels_down(self) -> Iterator[list[_Watched]]:
        """The parts in stopping order: first those that nothing still running needs."""
        left = dict(self._parts)
        while left:
            needed = {name for part in left.values() for name in part.child.needs}
            level = [part for name, part in left.items() if name not in needed]
            with self._changed:
                self._changed.notify_all()
            yield level
            for part in level:
                del left[part.child.name]

    def _end(self, part: _Watched) -> None:
        """Asks the part to end, then insists, then sweeps its process group."""
        with suppress(RuntimeError):  # after this no spawn of an earlier moment is still under way
            self._spawner.submit(int).result()
        process = part.process
        if process is None:
            return
        for number, patience in ((part.child.stop_signal, part.child.stop_within_s), (signal.SIGKILL, 5.0)):
            if process.poll() is None:
                process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(patience)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"

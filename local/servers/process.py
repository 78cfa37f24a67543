"""One server process: it lives as long as this process at most, and leaves when it is told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.servers.account import Account

_LAUNCH = Path(__file__).with_name("launch.py")
_POLL_S = 0.01

# The kernel's parent-death signal is sent when the *thread* that started the child ends. This one
# thread starts every server and lives until the interpreter ends.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-starter")


class ServerError(Exception):
    """A server could not be found, started or reached; the text says what to do."""


class Process:
    """A server started through `launch.py`, in a session of its own: Ctrl-C reaches us alone."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        account: Account | None,
        log: Path,
        descriptors: tuple[int, ...] = (),
        given: bytes = b"",
        killed_with: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Started when this returns, not yet ready.

        `given` is what it reads on standard input, `killed_with` the signal it gets when this
        process dies.
        """
        self.log = log
        who = (account.uid, account.gid) if account else (-1, -1)
        line = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid())]
        line += [str(who[0]), str(who[1]), str(int(killed_with)), *map(str, command)]
        self._child = _starter.submit(_start, line, log, given, descriptors).result()

    @property
    def pid(self) -> int:
        """The server's own: the launcher becomes the server."""
        return self._child.pid

    def alive(self) -> bool:
        """Collects it too when it has ended."""
        return self._child.poll() is None

    def wait_until(self, ready: Callable[[int], bool], *, within_s: float) -> bool:
        """True once it is ready, which `ready` tells from its pid; False if it ended before or
        took longer than `within_s`.
        """
        deadline = time.monotonic() + within_s
        while self.alive() and time.monotonic() < deadline:
            if ready(self.pid):
                return True
            time.sleep(_POLL_S)
        return False

    def wait(self, *, within_s: float) -> int:
        """Its exit status. One that takes longer than `within_s` is killed."""
        try:
            return self._child.wait(within_s)
        except subprocess.TimeoutExpired:
            return self.stop((signal.SIGKILL, 5.0))

    def stop(self, *steps: tuple[signal.Signals, float]) -> int:
        """Its exit status. Each step is a signal and how long it may take; then it is killed."""
        for number, patience_s in steps:
            self._child.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                return self._child.wait(patience_s)
        self._child.kill()
        return self._child.wait()

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for a message."""
        text = self.log.read_text(errors="replace").strip()
        return "\n".join(text.splitlines()[-lines:])


def _start(
    line: list[str], log: Path, given: bytes, descriptors: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        child = subprocess.Popen(
            line,
            cwd="/",
            env=_environment(),
            pass_fds=descriptors,
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    if child.stdin:
        with suppress(BrokenPipeError), child.stdin:  # it may have died already; its log says why
            child.stdin.write(given)
    return child


def _environment() -> dict[str, str]:
    """The shell's secrets and PG* settings are not for a server; its messages are in English."""
    kept = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {"LC_ALL": "C", **{name: os.environ[name] for name in kept if name in os.environ}}


def free_port(below: int = 65_536) -> int:
    """A port of the loopback address that nobody listens on now."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < below:
            return port

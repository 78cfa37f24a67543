"""One process of a function: started, handed one invocation after the other, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from local.gateway import child, child_log, outcome
from local.gateway.child_environment import child_environment
from local.gateway.outcome import Outcome
from local.gateway.report import ChildStarted, Invoked, LogLine
from local.gateway.runtime_api import Hooks, Invocation, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.gateway.model import Function
    from local.gateway.report import Report
    from local.gateway.sigv4 import Credentials

START_S = 10.0  # Lambda's own limit of the init phase


@dataclass(frozen=True, slots=True)
class Launch:
    """What the processes of all functions have in common."""

    environment: Mapping[str, str]  # laid over the template's
    credentials: Callable[[Function], Credentials]
    report: Callable[[Report], None]
    freeze: bool = False  # stopped between invocations, as on Lambda
    start_s: float = START_S
    grace_s: float = 1.0  # between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a process tells. `gone` gets the Outcome if it never asked for an invocation."""

    idle: Callable[[ChildProcess], None]
    gone: Callable[[ChildProcess, Outcome | None], None]


class ChildProcess:
    """`idle` is called each time it can be given an invocation, `gone` once."""

    def __init__(self, function: Function, launch: Launch, owner: Owner) -> None:
        self.function = function
        self.pid = 0
        self.alive = True
        self._launch, self._owner = launch, owner
        self._api = RuntimeApi(Hooks(self._asked, self._answered, self._failed_to_start))
        self._process: asyncio.subprocess.Process | None = None
        self._started_at = time.perf_counter()
        self.settled = asyncio.Event()  # it has asked for an invocation, or never will
        self._ready = False
        self._frozen = False
        self._init_error: Outcome | None = None
        self._request_id: str | None = None
        self._answer: asyncio.Future[Outcome] | None = None
        self._init_timer: asyncio.TimerHandle | None = None

    async def live(self) -> None:
        """From the start of the process until it has ended and its last line is reported."""
        failed: Outcome | None = None
        try:
            address = await self._api.open()
            process = self._process = await self._spawn(address)
            self.pid = process.pid
            if not self.alive:  # stopped while it was being started
                self._signal(signal.SIGKILL)
            self._init_timer = asyncio.get_running_loop().call_later(
                self._launch.start_s + self.function.timeout_s, self._too_slow_to_start
            )
            await child_log.read(process, self._log)
            failed = self._ended(await process.wait())
        except OSError as error:
            failed = outcome.failure("Runtime.InvalidEntrypoint", str(error))
        finally:
            self.alive = False
            if self._init_timer is not None:
                self._init_timer.cancel()
            self._api.close()
            self.settled.set()
            self._owner.gone(self, None if self._ready else failed)

    async def _spawn(self, address: str) -> asyncio.subprocess.Process:
        function, launch = self.function, self._launch
        credentials = launch.credentials(function)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(Path(child.__file__)),
            function.handler,
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=function.python_path[0],
            env=child_environment(function, credentials, address, launch.environment),
            start_new_session=True,  # a Ctrl-C in the terminal is for the gateway alone
        )

    async def run(self, invocation_id: str, payload: bytes) -> Outcome:
        """Only on a process that is idle. Ends at the function's timeout at the latest."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome] = loop.create_future()
        self._answer = answer
        self._request_id = invocation_id
        self._thaw()
        started = time.perf_counter()
        timer = loop.call_later(self.function.timeout_s, self._timed_out)
        self._api.hand_over(self._invocation(invocation_id, payload))
        try:
            came_of_it = await answer
        finally:
            timer.cancel()
        ended = replace(came_of_it, duration_ms=(time.perf_counter() - started) * 1000)
        self._report_end(invocation_id, ended)
        return ended

    def _invocation(self, request_id: str, payload: bytes) -> Invocation:
        now = time.time()
        trace = f"Root=1-{int(now):08x}-{secrets.token_hex(12)}"
        return Invocation(
            request_id=request_id,
            payload=payload or b"{}",
            arn=self.function.arn,
            trace_id=f"{trace};Parent={secrets.token_hex(8)};Sampled=0",
            deadline_ms=int((now + self.function.timeout_s) * 1000),
        )

    def _report_end(self, request_id: str, ended: Outcome) -> None:
        peak = child_log.peak_memory_mb(self.pid)
        self._launch.report(
            Invoked(self.function.name, request_id, ended.duration_ms, ended.error, peak)
        )

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after the grace. What it was doing fails; `gone` is called."""
        self.fail(lambda request_id: outcome.closing(request_id))
        self.alive = False
        self._thaw()
        self._signal(signal.SIGTERM)
        if self._process is None:
            return
        try:
            async with asyncio.timeout(self._launch.grace_s):
                await self._process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    @property
    def returning(self) -> bool:
        """It has answered and will ask for the next invocation in a moment."""
        return self._request_id is not None and self._answer is not None and self._answer.done()

    def fail(self, why: Callable[[str], Outcome]) -> None:
        """Settles the invocation under way, if there is one."""
        if self._answer is not None and not self._answer.done() and self._request_id is not None:
            self._answer.set_result(why(self._request_id))

    def _asked(self) -> None:
        if not self._ready:
            self._ready = True
            self.settled.set()
            took_ms = (time.perf_counter() - self._started_at) * 1000
            self._launch.report(ChildStarted(self.function.name, self.pid, took_ms))
            if self._init_timer is not None:
                self._init_timer.cancel()
        self._request_id = None
        if self.alive:
            self._freeze()
            self._owner.idle(self)

    def _answered(self, body: bytes | None, failed: bool) -> None:
        if body is None:
            self.fail(lambda _: outcome.too_large())
        else:
            self.fail(lambda _: Outcome(body, outcome.UNHANDLED if failed else None))

    def _failed_to_start(self, document: bytes) -> None:
        self._init_error = Outcome(document, outcome.UNHANDLED)

    def _too_slow_to_start(self) -> None:
        limit = self._launch.start_s + self.function.timeout_s
        self._init_error = outcome.timed_out("", limit)
        self._kill()

    def _timed_out(self) -> None:
        self.fail(lambda request_id: outcome.timed_out(request_id, self.function.timeout_s))
        self._kill()

    def _ended(self, return_code: int) -> Outcome:
        self.fail(lambda request_id: outcome.exited(request_id, return_code))
        return self._init_error or outcome.exited("", return_code)

    def _log(self, line: str) -> None:
        self._launch.report(LogLine(self.function.name, self._request_id, line))

    def _freeze(self) -> None:
        if self._launch.freeze:
            self._signal(signal.SIGSTOP)
            self._frozen = True

    def _thaw(self) -> None:
        if self._frozen:
            self._signal(signal.SIGCONT)
            self._frozen = False

    def _kill(self) -> None:
        self.alive = False
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """To the process and what it started; a process that has ended is left alone."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

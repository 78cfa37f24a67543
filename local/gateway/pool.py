"""The warm processes of one function: the last one used is the next one used."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING

from local.gateway import outcome
from local.gateway.child_process import ChildProcess, Launch, Owner
from local.gateway.outcome import Outcome
from local.gateway.report import Noticed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.gateway.model import Function

# A burst is served by the warm processes meanwhile; more starts at once only slow each other down.
STARTS_AT_ONCE = 2


class Pool:
    """At most `size` processes; further invocations wait in the order they came."""

    def __init__(self, function: Function, launch: Launch, size: int) -> None:
        self.function = function
        self._launch = launch
        self._size = size
        self._owner = Owner(self._idled, self._gone)
        self._children: set[ChildProcess] = set()  # of the code as it is now
        self._starting: set[ChildProcess] = set()
        self._idle: list[ChildProcess] = []
        self._waiting: deque[asyncio.Future[ChildProcess | Outcome]] = deque()
        self._lives: dict[ChildProcess, asyncio.Task[None]] = {}  # draining ones, too
        self._stops: set[asyncio.Task[None]] = set()
        self._closed = False

    async def invoke(
        self, request_id: str, payload: bytes, *, wait_s: float | None = None
    ) -> Outcome:
        """Waits at most `wait_s` for a free process; never raises for what a function does."""
        while True:
            if self._closed:
                return outcome.closing(request_id)
            try:
                async with asyncio.timeout(wait_s):
                    taken = await self._take()
            except TimeoutError:
                return outcome.expired(request_id)
            if isinstance(taken, Outcome):
                return taken
            if taken.alive:
                return await taken.run(request_id, payload)

    async def _take(self) -> ChildProcess | Outcome:
        if self._idle:
            return self._idle.pop()
        waiter: asyncio.Future[ChildProcess | Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._start_more()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                taken = waiter.result()
                if isinstance(taken, ChildProcess):
                    self._idled(taken)
            raise

    def _start_more(self) -> None:
        """As many as there are invocations nobody is about to take, within the pool's size."""
        room = min(STARTS_AT_ONCE - len(self._starting), self._size - len(self._children))
        if room <= 0 or self._closed:
            return
        waiting = sum(not waiter.done() for waiter in self._waiting)
        returning = sum(child.alive and child.returning for child in self._children)
        for _ in range(min(room, waiting - returning - len(self._starting))):
            self.start_one()

    def start_one(self) -> None:
        """Begins a process before somebody waits for it."""
        child = ChildProcess(self.function, self._launch, self._owner)
        self._children.add(child)
        self._starting.add(child)
        self._lives[child] = asyncio.create_task(child.live())

    async def settled(self) -> None:
        """Returns once what is starting now has become ready, or has ended instead."""
        await asyncio.gather(*(child.settled.wait() for child in self._starting))

    def _idled(self, child: ChildProcess) -> None:
        self._starting.discard(child)
        if child not in self._children:  # of code that has been replaced
            self._stop(child)
        elif not child.alive or self._give(child):
            pass
        else:
            self._idle.append(child)
        self._start_more()

    def _give(self, taken: ChildProcess | Outcome) -> bool:
        """To whoever has waited longest; False if nobody waits."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(taken)
                return True
        return False

    def _gone(self, child: ChildProcess, failed: Outcome | None) -> None:
        current = child in self._children
        self._children.discard(child)
        self._starting.discard(child)
        self._lives.pop(child, None)
        if child in self._idle:
            self._idle.remove(child)
        if failed is not None and current and not self._closed:
            self._launch.report(Noticed(_why(child.function, failed), error=True))
            self._give(failed)
        self._start_more()

    def _stop(self, child: ChildProcess) -> None:
        task = asyncio.create_task(child.stop())
        self._stops.add(task)
        task.add_done_callback(self._stops.discard)

    def renew(self, function: Function) -> None:
        """Whoever waits or comes gets a process of the new code; what runs ends as begun."""
        self.function = function
        self._let_go()
        self._start_more()

    def _let_go(self) -> None:
        """Of every process: those that are busy stop as soon as they are not."""
        for child in (*self._idle, *self._starting):
            self._stop(child)
        self._idle.clear()
        self._starting.clear()
        self._children.clear()

    def retire(self) -> None:
        """Nothing new begins; what waits fails, what runs ends as begun."""
        self._closed = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(outcome.closing(""))
        self._waiting.clear()
        self._let_go()

    async def close(self) -> None:
        """No process is left when it returns; what waits or is under way fails."""
        self.retire()
        lives = dict(self._lives)
        await asyncio.gather(*(child.stop() for child in lives), *self._stops)
        await asyncio.gather(*lives.values())

    def pids(self) -> Iterable[int]:
        """Of every process there is, draining ones included."""
        return [child.pid for child in self._lives if child.pid]


def _why(function: Function, failed: Outcome) -> str:
    """What a person needs to put a function right that does not start."""
    try:
        document = json.loads(failed.payload)
    except ValueError:
        document = {}
    searched = ", ".join(str(folder) for folder in function.python_path)
    return (
        f"{function.logical_id} cannot start: {document.get('errorType')}: "
        f"{document.get('errorMessage')}. Its handler is {function.handler}, looked for in "
        f"{searched}. Put it right; the next invocation tries again."
    )

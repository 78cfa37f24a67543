"""The functions of a template, run for real: one pool of processes each."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from local.gateway.child_log import resident_bytes
from local.gateway.child_process import START_S, Launch
from local.gateway.event_queue import RETRY_AFTER_S, EventQueue, EventRules
from local.gateway.outcome import Outcome
from local.gateway.pool import Pool
from local.gateway.report import Noticed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local.gateway.model import Function, Model
    from local.gateway.report import Report
    from local.gateway.sigv4 import Credentials

__all__ = ["ChildStats", "Functions", "Outcome"]


@dataclass(frozen=True, slots=True)
class ChildStats:
    """One process of a function, as it is now."""

    function: str
    pid: int
    rss_bytes: int | None


class Functions:
    """An async context; no process is left when it ends."""

    def __init__(
        self,
        model: Model,
        *,
        environment: Mapping[str, str],
        credentials: Callable[[Function], Credentials],
        report: Callable[[Report], None],
        children: int = 8,
        freeze: bool = False,
        duplicate_events: bool = False,
        retry_after_s: tuple[float, ...] = RETRY_AFTER_S,
        start_s: float = START_S,
    ) -> None:
        self._report = report
        self._environment = environment
        self._size = children
        self._launch = Launch(environment, credentials, report, freeze, start_s)
        self._events = EventQueue(EventRules(duplicate_events, retry_after_s), report)
        self._pools: dict[str, Pool] = {}
        self._retired: list[Pool] = []  # of functions a reload has taken away
        self._running: set[asyncio.Task[Outcome]] = set()
        self._noticed: set[str] = set()  # of the model served now; a reload repeats nothing
        self._serve(model)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Events first, then the processes; whoever still waits gets an Outcome that says so."""
        await self._events.close()
        await asyncio.gather(*(pool.close() for pool in self._all_pools()))
        await asyncio.gather(*self._running, return_exceptions=True)

    async def invoke(
        self, function: Function, payload: bytes, *, request_id: str | None = None
    ) -> Outcome:
        """What came of it. The function runs on even if the caller stops waiting."""
        pool = self._pools[function.logical_id]
        work = pool.invoke(request_id or str(uuid.uuid4()), payload)
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    def send_event(
        self, function: Function, payload: bytes, *, request_id: str | None = None
    ) -> str:
        """Queues the event and returns its request id at once; tried again if it fails."""
        request_id = request_id or str(uuid.uuid4())
        self._events.send(self._pools[function.logical_id], payload, request_id)
        return request_id

    async def warm(self, function: Function) -> None:
        """Sees to it that there is a process before somebody waits for it, and returns when it is
        ready or cannot be started, which is reported.
        """
        pool = self._pools[function.logical_id]
        if not pool.pids():
            pool.start_one()
        await pool.settled()

    def replace(self, model: Model) -> None:
        """Takes new code or a new template: old processes end what they do, new ones start."""
        for logical_id in set(self._pools) - set(model.functions):
            pool = self._pools.pop(logical_id)
            pool.retire()
            self._retired.append(pool)
        self._serve(model)

    def _serve(self, model: Model) -> None:
        for logical_id, function in model.functions.items():
            if logical_id in self._pools:
                self._pools[logical_id].renew(function)
            else:
                self._pools[logical_id] = Pool(function, self._launch, self._size)
        texts = {*model.warnings, *self._missing(model)}
        for text in sorted(texts - self._noticed):
            self._report(Noticed(text))
        self._noticed = texts

    def _missing(self, model: Model) -> Iterator[str]:
        """One text a variable, however many functions go without it."""
        without: dict[tuple[str, str], list[str]] = {}
        for function in model.functions.values():
            for name, why in function.unresolved.items():
                if name not in self._environment:
                    without.setdefault((name, why), []).append(function.logical_id)
        for (name, why), functions in without.items():
            yield f"{', '.join(functions)} without {name}: {why}. Set {name} in the shell."

    def _all_pools(self) -> list[Pool]:
        return [*self._pools.values(), *self._retired]

    def stats(self) -> tuple[ChildStats, ...]:
        """Every process there is, with its memory."""
        return tuple(
            ChildStats(pool.function.name, pid, resident_bytes(pid))
            for pool in self._all_pools()
            for pid in pool.pids()
        )

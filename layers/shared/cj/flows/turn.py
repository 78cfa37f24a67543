"""One turn of CJ: from the inputs that wait to the answer that is committed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cj.domain.ids import new_id
from cj.errors import LeaseLost, StoreError
from cj.flows.stream import LiveText
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from cj.agent.scripted import Scripted
    from cj.domain.replies import Reply
    from cj.domain.turns import Begun, Ended, Status
    from cj.ephemeral import Ephemeral
    from cj.logs import Journal
    from cj.push import Push, Worker
    from cj.store import Turns as TurnStore

log = log_of(__name__)
TIME_TO_FINISH_S = 5
WINDOW = 40


@dataclass(frozen=True, slots=True)
class TurnEvent:
    """What the worker is woken with: ids only."""

    cid: UUID
    turn: UUID
    fence: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a turn has to show for itself."""

    text: str
    chunks: int
    status: Status
    latency_ms: int
    ttft_ms: int | None


@dataclass(frozen=True, slots=True)
class Turns:
    """Runs turns. Two deliveries of one event are two workers; the fence lets one of them go on."""

    store: TurnStore
    model: Scripted
    ephemeral: Ephemeral
    push: Push
    forget: Callable[[str], Awaitable[None]]
    worker: Worker
    journal: Journal
    lease_s: float
    deadline_s: float
    clock: Callable[[], float] = time.monotonic

    async def run(self, event: TurnEvent, time_left_s: float) -> None:
        """Returns when the answer is committed, or when this turn is somebody else's by now."""
        lease = timedelta(seconds=self.lease_s)
        begun = await self.store.begin(
            event.cid, event.turn, event.fence, worker=new_id(), lease=lease, window=WINDOW
        )
        if begun is None:
            log.info("turn refused: not ours")
            return
        live = self._live(event, begun)
        answer = await self._speak(
            begun, live, min(self.deadline_s, time_left_s - TIME_TO_FINISH_S)
        )
        if answer is None:
            log.warning("turn lost: the lease went to another worker")
            return
        await self._commit(event, begun, live, answer)

    def _live(self, event: TurnEvent, begun: Begun) -> LiveText:
        watchers = set(begun.connections)
        return LiveText(
            self.ephemeral,
            self.push,
            self.forget,
            event.cid,
            event.turn,
            begun.fence,
            watchers=watchers,
        )

    async def _speak(self, begun: Begun, live: LiveText, deadline_s: float) -> Answer | None:
        """The answer, told while it is made; None when another worker took the turn over."""
        started = self.clock()
        first: float | None = None
        status: Status = "interrupted"
        lost = False
        try:
            async with asyncio.TaskGroup() as group:
                renewal = group.create_task(self._renew(begun.fence, live))
                async with live:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(max(deadline_s, 0)):
                            async for piece in self.model.stream(begun.window, begun.from_seq):
                                first = first or self.clock()
                                live.say(piece)
                        status = "complete"
                renewal.cancel()
        except* LeaseLost:
            lost = True
        if lost:
            return None
        took_ms = round((self.clock() - started) * 1000)
        ttft_ms = None if first is None else round((first - started) * 1000)
        return Answer(live.text, live.chunks, status, took_ms, ttft_ms)

    async def _renew(self, fence: int, live: LiveText) -> None:
        """Four times a lease, until cancelled. Raises LeaseLost when the turn is not ours."""
        lease = timedelta(seconds=self.lease_s)
        while True:
            await asyncio.sleep(self.lease_s / 4)
            try:
                held = await self.store.renew(live.cid, live.turn, fence, lease=lease)
            except StoreError:
                log.warning("lease not renewed: the fence decides at the end")
                continue
            if held is None:
                raise LeaseLost
            live.watchers |= set(held.connections)

    async def _commit(self, event: TurnEvent, begun: Begun, live: LiveText, answer: Answer) -> None:
        ended = await self.store.end(
            event.cid,
            event.turn,
            begun.fence,
            answer=new_id(),
            text=answer.text,
            status=answer.status,
            model=self.model.name,
            latency_ms=answer.latency_ms,
            ttft_ms=answer.ttft_ms,
            next_turn=new_id(),
            lease=timedelta(seconds=self.lease_s),
        )
        if ended is None:
            log.warning("turn refused at its end: the lease went to another worker")
            return
        told = {"status": answer.status, "seq": ended.seq, "latency_ms": answer.latency_ms}
        log.info("turn ended", extra=told)
        self.journal.count("TurnsCompleted")
        self.journal.took("TurnLatency", answer.latency_ms)
        live.watchers |= set(ended.connections)
        await asyncio.gather(
            live.tell(self._done(begun, live, answer, ended)), self._wake_next(event, ended)
        )

    async def _wake_next(self, event: TurnEvent, ended: Ended) -> None:
        """What came meanwhile is answered by a new invocation, never inside this one."""
        if ended.next_turn is not None:
            trail = self.journal.correlation_id
            await self.worker.wake(event.cid, ended.next_turn, ended.fence, trail)

    def _done(self, begun: Begun, live: LiveText, answer: Answer, ended: Ended) -> Reply:
        return {
            "type": "done",
            "cid": str(live.cid),
            "turn": str(live.turn),
            "gen": live.gen,
            "seq": ended.seq,
            "message_id": str(ended.message_id),
            "answers_from": begun.from_seq,
            "answers_through": begun.through_seq,
            "n": answer.chunks,
            "status": answer.status,
            "model": self.model.name,
            "usage": None,
            "latency_ms": answer.latency_ms,
            "created_at": ended.created_at.isoformat(),
            "durable": True,
        }

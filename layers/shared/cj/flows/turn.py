"""One turn of CJ: from the inputs that wait to the answer that is committed."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cj.domain import replies
from cj.domain.ids import new_id
from cj.domain.messages import Message
from cj.errors import (
    CJError,
    EphemeralUnavailable,
    LeaseLost,
    ModelUnavailable,
    StoreBusy,
    StoreUnavailable,
)
from cj.flows.audience import Audience
from cj.flows.outreach import BUFFERED
from cj.flows.stream import LiveText
from cj.logs import log_of

if TYPE_CHECKING:
    from uuid import UUID

    from cj.domain.replies import Reply
    from cj.domain.turns import Begun, Ended
    from cj.ephemeral import Buffer, Live, Outage, Recent
    from cj.flows.degraded import DegradedTurns
    from cj.flows.drain import Drain
    from cj.flows.outreach import Outreach
    from cj.flows.speech import Speaker, Spoken
    from cj.store import Turns as TurnStore

log = log_of(__name__)
TIME_TO_FINISH_S = 5
WINDOW = 40
END_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class TurnEvent:
    """What the worker is woken with: ids only. Fence 0: for what PostgreSQL has not seen."""

    cid: UUID
    turn: UUID
    fence: int


@dataclass(frozen=True, slots=True)
class Turns:
    """Runs turns. Two deliveries of one event are two workers; the fence lets one of them go on."""

    store: TurnStore
    log: Live
    recent: Recent
    buffer: Buffer
    outage: Outage
    speaker: Speaker
    outreach: Outreach
    degraded: DegradedTurns
    drain: Drain
    lease_s: float

    async def run(self, event: TurnEvent, time_left_s: float) -> None:
        """Returns when the answer is committed, or when this turn is somebody else's by now.

        While PostgreSQL is away the answer is kept in Redis instead, not committed yet.
        """
        time_left_s -= TIME_TO_FINISH_S
        if event.fence == BUFFERED or await self.outage.known():
            await self.degraded.run(event.cid, time_left_s)
            return
        lease = timedelta(seconds=self.lease_s)
        try:
            begun = await self.store.begin(
                event.cid, event.turn, event.fence, worker=new_id(), lease=lease, window=WINDOW
            )
        except StoreUnavailable:
            await self.outage.happened()
            await self.degraded.answer(event.cid, time_left_s)
            return
        await self.outage.over()
        if begun is None:
            log.info("turn refused: not ours")
            return
        await _OurTurn(self, event, begun, lease).run(time_left_s)


@dataclass(frozen=True, slots=True)
class _OurTurn:
    """A turn that was begun by this worker."""

    turns: Turns
    event: TurnEvent
    begun: Begun
    lease: timedelta

    @property
    def token(self) -> str:
        """What Redis holds of our lease, beside PostgreSQL's."""
        return f"{self.event.turn}:{self.begun.fence}"

    async def run(self, time_left_s: float) -> None:
        turns, begun = self.turns, self.begun
        await turns.buffer.claim(self.event.cid, self.token, turns.lease_s)
        audience = Audience(turns.outreach.push, turns.outreach.forget)
        audience.admit(begun.connections)
        live = LiveText(turns.log, audience, self.event.cid, self.event.turn, begun.fence)
        if begun.stop:
            live.stopped.set()
        try:
            spoken = await turns.speaker.speak(
                begun.window,
                begun.from_seq,
                live,
                time_left_s=time_left_s,
                keep=self._keep(live),
                shop=begun.shop,
            )
            await self._commit(live, spoken)
        except LeaseLost:
            log.warning("turn lost: the lease went to another worker")
        finally:
            await audience.leave(TIME_TO_FINISH_S)

    async def _keep(self, live: LiveText) -> None:
        """Four times a lease, until cancelled. Raises LeaseLost when the turn is not ours."""
        turns, event = self.turns, self.event
        while True:
            await asyncio.sleep(turns.lease_s / 4)
            try:
                held = await turns.store.renew(
                    event.cid, event.turn, self.begun.fence, lease=self.lease
                )
            except CJError as error:
                if isinstance(error, StoreUnavailable):
                    await turns.outage.happened()
                log.warning("lease not renewed: the fence decides at the end")
                with contextlib.suppress(EphemeralUnavailable):
                    await turns.buffer.hold(event.cid, self.token, turns.lease_s)
                continue
            if held is None:
                raise LeaseLost
            await turns.buffer.claim(event.cid, self.token, turns.lease_s)
            live.audience.admit(held.connections)
            if held.stop:
                live.stopped.set()

    async def _commit(self, live: LiveText, spoken: Spoken) -> None:
        if spoken.status == "error":
            live.audience.tell(_model_failed(live.cid))
        answer = new_id()
        try:
            ended = await self._end(answer, spoken)
        except StoreUnavailable:
            await self.turns.outage.happened()
            await self._put_by(live, answer, spoken)
            return
        if ended is None:
            raise LeaseLost
        self._journal(spoken, ended)
        live.audience.admit(ended.connections)
        told = {
            "answers_from": self.begun.from_seq,
            "answers_through": self.begun.through_seq,
        }
        done = spoken.done(live, ended.message_id, ended.created_at, seq=ended.seq, **told)
        live.audience.tell(done)
        await asyncio.gather(self._wake_next(ended), self._remember(spoken, ended))

    async def _end(self, answer: UUID, spoken: Spoken) -> Ended | None:
        """After COMMIT. A database with no time is asked again: the answer is worth waiting."""
        turns, event = self.turns, self.event
        next_turn = new_id()  # one for all attempts: a repeat finds what the first one took
        for attempt in range(1, END_ATTEMPTS + 1):
            try:
                return await turns.store.end(
                    event.cid,
                    event.turn,
                    self.begun.fence,
                    answer=answer,
                    text=spoken.text,
                    status=spoken.status,
                    model=spoken.model,
                    latency_ms=spoken.latency_ms,
                    ttft_ms=spoken.ttft_ms,
                    content=spoken.content,
                    sources=spoken.sources,
                    next_turn=next_turn,
                    lease=self.lease,
                )
            except StoreBusy:
                if attempt == END_ATTEMPTS:
                    raise
        raise AssertionError("not reached")

    async def _put_by(self, live: LiveText, answer: UUID, spoken: Spoken) -> None:
        """PostgreSQL went away in mid-turn: the answer waits in Redis for its return."""
        entry = spoken.entry(live, answer, datetime.now(UTC), self.begun.inputs)
        try:
            finished = await self.turns.buffer.finish(live.cid, self.token, entry)
        except EphemeralUnavailable as error:
            raise StoreUnavailable("neither store is there") from error
        if not finished.stored:
            raise LeaseLost
        log.info("turn ended without PostgreSQL", extra={"status": spoken.status})
        answers = [str(client_id) for client_id in entry.answers]
        live.audience.tell(spoken.done(live, answer, entry.at, seq=None, answers=answers))
        if finished.more:
            await self.turns.outreach.wake(live.cid, new_id(), BUFFERED)

    async def _wake_next(self, ended: Ended) -> None:
        """What came meanwhile is answered by a new invocation, never inside this one."""
        if ended.next_turn is not None:
            await self.turns.outreach.wake(self.event.cid, ended.next_turn, ended.fence)

    async def _remember(self, spoken: Spoken, ended: Ended) -> None:
        """Redis hears of the answer, and may have something for PostgreSQL."""
        turns, begun, cid = self.turns, self.begun, self.event.cid
        row = Message(
            id=ended.message_id,
            seq=ended.seq,
            role="assistant",
            text=spoken.text,
            created_at=ended.created_at,
            status=spoken.status,
            answers_from=begun.from_seq,
            answers_through=begun.through_seq,
            turn_id=self.event.turn,
            model=spoken.model,
            latency_ms=spoken.latency_ms,
            ttft_ms=spoken.ttft_ms,
            sources=spoken.sources,
        )
        await turns.recent.keep(cid, begun.owner_id, begun.workflow, [row], known_only=True)
        with contextlib.suppress(EphemeralUnavailable):
            if await turns.buffer.release(cid, self.token):
                await turns.drain.settle(cid)

    def _journal(self, spoken: Spoken, ended: Ended) -> None:
        told = {"status": spoken.status, "seq": ended.seq, "latency_ms": spoken.latency_ms}
        log.info("turn ended", extra=told)
        self.turns.outreach.journal.count("TurnsCompleted")
        self.turns.outreach.journal.took("TurnLatency", spoken.latency_ms)


def _model_failed(cid: UUID) -> Reply:
    error = ModelUnavailable()
    return replies.error(
        error.code, error.message, cid=str(cid), retryable=error.retryable, retry_ms=error.retry_ms
    )

"""A turn while PostgreSQL is away: read from Redis, kept in Redis, committed later."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cj.domain.ids import new_id
from cj.domain.unsaved import waiting
from cj.errors import EphemeralUnavailable, LeaseLost, StoreError, StoreUnavailable
from cj.flows.audience import Audience
from cj.flows.outreach import BUFFERED
from cj.flows.stream import LiveText
from cj.logs import log_of

if TYPE_CHECKING:
    from uuid import UUID

    from cj.domain.unsaved import Waiting
    from cj.ephemeral import Buffer, Live, Outage
    from cj.flows.drain import Drain
    from cj.flows.outreach import Outreach
    from cj.flows.speech import Speaker, Spoken

log = log_of(__name__)
ATTEMPTS = 3  # after that the inputs wait for PostgreSQL, which counts anew
GEN = 1  # every attempt is a turn of its own
LEAVE_S = 5


@dataclass(frozen=True, slots=True)
class DegradedTurns:
    """Answers what waits in Redis. One worker at a time: the lease is taken where nobody has it."""

    log: Live
    buffer: Buffer
    outage: Outage
    speaker: Speaker
    outreach: Outreach
    drain: Drain
    lease_s: float

    async def run(self, cid: UUID, time_left_s: float) -> None:
        """Returns when the answer is kept, or when there is nothing to do here.

        Drains instead if PostgreSQL is back, and afterwards if it came back meanwhile.
        """
        if await self.outage.known() or not await self._drained(cid):
            await self.answer(cid, time_left_s)

    async def answer(self, cid: UUID, time_left_s: float) -> None:
        """Returns when the answer is kept, or when somebody else is at it."""
        try:
            await self._answer(cid, time_left_s)
            if not await self.outage.known():
                await self._drained(cid)
        except EphemeralUnavailable:
            log.warning("no turn: neither store is there")

    async def _drained(self, cid: UUID) -> bool:
        """PostgreSQL has everything now, or a turn that is on will see to it."""
        try:
            if await self.drain.run(cid) == "drained":
                await self.outage.over()
        except StoreError as error:
            if isinstance(error, StoreUnavailable):
                await self.outage.happened()
            return False
        return True

    async def _answer(self, cid: UUID, time_left_s: float) -> None:
        turn = new_id()
        work = await self.buffer.take(cid, str(turn), self.lease_s)
        if work is None:
            log.info("turn refused: somebody is at it")
            return
        asked = waiting(work.messages, work.entries)
        if asked is None or work.attempts > ATTEMPTS:
            log.info("no turn", extra={"attempts": work.attempts})
            await self.buffer.release(cid, str(turn), idle=asked is None)
            return
        audience = Audience(self.outreach.push, self.outreach.forget)
        audience.admit(await self.log.watchers(cid))
        live = LiveText(self.log, audience, cid, turn, GEN)
        try:
            spoken = await self.speaker.speak(
                asked.window,
                asked.from_seq,
                live,
                time_left_s=time_left_s,
                keep=self._keep(cid, turn),
            )
            await self._finish(live, spoken, asked)
        except LeaseLost:
            log.warning("turn lost: the lease went to another worker")
        finally:
            await audience.leave(LEAVE_S)

    async def _keep(self, cid: UUID, turn: UUID) -> None:
        """Four times a lease, until cancelled. Raises LeaseLost when somebody else has it."""
        while True:
            await asyncio.sleep(self.lease_s / 4)
            try:
                if not await self.buffer.hold(cid, str(turn), self.lease_s):
                    raise LeaseLost
            except EphemeralUnavailable:
                log.warning("lease not renewed: the end decides")

    async def _finish(self, live: LiveText, spoken: Spoken, asked: Waiting) -> None:
        entry = spoken.entry(live, new_id(), datetime.now(UTC), asked.inputs)
        finished = await self.buffer.finish(live.cid, str(live.turn), entry)
        if not finished.stored:
            raise LeaseLost
        log.info("turn ended without PostgreSQL", extra={"status": spoken.status})
        self.outreach.journal.count("TurnsBuffered")
        answers = [str(client_id) for client_id in entry.answers]
        live.audience.tell(spoken.done(live, entry.id, entry.at, seq=None, answers=answers))
        if finished.more:
            await self.outreach.wake(live.cid, new_id(), BUFFERED)

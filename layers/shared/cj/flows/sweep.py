"""What a schedule tidies up. Each job is small, may run twice at once, and says what it did."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cj.errors import EphemeralUnavailable, StoreBusy
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from cj.ephemeral import Buffer
    from cj.flows.drain import Drain
    from cj.flows.forget import Forgetting
    from cj.flows.outreach import Outreach
    from cj.store import Sweep, Turns

log = log_of(__name__)
BATCH = 1_000
TURNS = 50
BUFFERS = 10_000
STOP_BEFORE_S = 10


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Saves what waits in Redis, keeps dead turns going, deletes what has expired.

    A bounded batch at a time, until nothing is left or the time is over.
    """

    store: Sweep
    turns: Turns
    buffer: Buffer
    drain: Drain
    outreach: Outreach
    forgetting: Forgetting
    lease_s: float
    clock: Callable[[], float] = time.monotonic

    async def run(self, time_left_s: float) -> dict[str, int | bool]:
        """What was done, by kind; `complete` is false when time ran out before the work did."""
        stop_at = self.clock() + time_left_s - STOP_BEFORE_S
        drained, waiting = await self._drain_buffers(stop_at)
        done: dict[str, int | bool] = {"complete": not waiting, "buffers": drained}
        self.outreach.journal.count("Swept_buffers", drained)
        jobs: dict[str, tuple[int, Callable[[int], Awaitable[int]]]] = {
            "turns": (TURNS, self._revive_turns),
            "sessions": (BATCH, self.store.expired_sessions),
            "oauth_states": (BATCH, self.store.expired_oauth_states),
            "connections": (BATCH, self.store.expired_connections),
            "forgotten": (TURNS, self.forgetting.catch_up),
            "webhooks": (BATCH, self.store.expired_deliveries),
        }
        for kind, (size, work) in jobs.items():
            total, batch = 0, size
            while batch == size and self.clock() < stop_at:
                batch = await work(size)
                total += batch
            done[kind] = total
            done["complete"] &= batch < size
            self.outreach.journal.count(f"Swept_{kind}", total)
        log.info("swept", extra=done)
        return done

    async def _drain_buffers(self, stop_at: float) -> tuple[int, int]:
        """Of the buffers nobody touches: how many were saved, and how many have to wait."""
        outcomes: Counter[str] = Counter()
        try:
            for cid in await self.buffer.indexed(BUFFERS):
                if self.clock() >= stop_at:
                    outcomes["late"] += 1
                    break
                outcomes[await self._drain_buffer(cid)] += 1
        except EphemeralUnavailable:
            log.warning("no buffer read: Redis is away")
        return outcomes["drained"], outcomes["late"] + outcomes["busy"] + outcomes["speaking"]

    async def _drain_buffer(self, cid: UUID) -> str:
        try:
            return await self.drain.run(cid)
        except StoreBusy:
            return "busy"

    async def _revive_turns(self, limit: int) -> int:
        """Turns whose worker died: handed out again, or ended where that was in vain."""
        dead = await self.turns.dead(limit, timedelta(seconds=self.lease_s))
        for turn in dead:
            await self.outreach.settle(turn.cid, turn)
        return len(dead)

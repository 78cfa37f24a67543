"""What a schedule tidies up. Each job is small, may run twice at once, and says what it did."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cj.logs import Journal
    from cj.store import Sweep

log = log_of(__name__)
BATCH = 1_000
STOP_BEFORE_S = 10


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Deletes expired sessions, OAuth states and connections, a bounded batch at a time."""

    store: Sweep
    journal: Journal
    clock: Callable[[], float] = time.monotonic

    async def run(self, time_left_s: float) -> dict[str, int | bool]:
        """What was deleted, by kind; `complete` is false when time ran out before the rows did."""
        stop_at = self.clock() + time_left_s - STOP_BEFORE_S
        jobs = {
            "sessions": self.store.expired_sessions,
            "oauth_states": self.store.expired_oauth_states,
            "connections": self.store.expired_connections,
        }
        deleted: dict[str, int | bool] = {"complete": True}
        for kind, delete in jobs.items():
            total, batch = 0, BATCH
            while batch == BATCH and self.clock() < stop_at:
                batch = await delete(BATCH)
                total += batch
            deleted[kind] = total
            deleted["complete"] &= batch < BATCH
            self.journal.count(f"Swept_{kind}", total)
        log.info("swept", extra=deleted)
        return deleted

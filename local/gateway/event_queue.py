"""Asynchronous invocations: answered at once, tried again on errors, given up when too old."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.gateway.report import Noticed

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.gateway.pool import Pool
    from local.gateway.report import Report


RETRY_AFTER_S = (60.0, 120.0)  # Lambda's own pauses


@dataclass(frozen=True, slots=True)
class EventRules:
    """How events are delivered."""

    twice: bool = False  # Lambda delivers at least once: this makes it two times
    retry_after_s: tuple[float, ...] = RETRY_AFTER_S


class EventQueue:
    """Lives in memory: what has not been delivered when the gateway stops is reported and lost."""

    def __init__(self, rules: EventRules, report: Callable[[Report], None]) -> None:
        self._rules = rules
        self._report = report
        self._deliveries: set[asyncio.Task[None]] = set()

    def send(self, pool: Pool, payload: bytes, request_id: str) -> None:
        """Returns at once; the function runs later."""
        for _ in range(2 if self._rules.twice else 1):
            task = asyncio.create_task(self._deliver(pool, payload, request_id))
            self._deliveries.add(task)
            task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, pool: Pool, payload: bytes, request_id: str) -> None:
        function = pool.function
        too_old_at = time.monotonic() + function.max_event_age_s
        for attempt in range(1 + function.max_retries):
            pause_s = self._pause_s(attempt)
            if time.monotonic() + pause_s >= too_old_at:
                break
            await asyncio.sleep(pause_s)
            left_s = too_old_at - time.monotonic()
            outcome = await pool.invoke(request_id, payload, wait_s=left_s)
            if outcome.error is None:
                return
        self._dropped(function.name, request_id)

    def _pause_s(self, attempt: int) -> float:
        if attempt == 0:
            return 0.0
        pauses = self._rules.retry_after_s
        return pauses[min(attempt, len(pauses)) - 1]

    def _dropped(self, name: str, request_id: str) -> None:
        text = f"{name} gave up on event {request_id}: it failed too often or waited too long."
        self._report(Noticed(text, error=True))

    async def close(self) -> None:
        """Gives up on everything that waits for its next try."""
        for task in self._deliveries:
            task.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)

"""Everybody who watches a turn, each at their own pace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cj.errors import ConnectionGone, PushFailed
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from cj.domain.replies import Reply
    from cj.push import Push

log = log_of(__name__)
BEHIND = 100  # frames a browser may lag; what it misses then, its resume brings


@dataclass(slots=True)
class Audience:
    """A lane to each connection: posts are awaited one after another, and none waits for another's.

    Who is gone is forgotten, that connection and no other.
    """

    push: Push
    forget: Callable[[str], Awaitable[None]]
    _lanes: dict[str, asyncio.Queue[Reply | None]] = field(default_factory=dict)
    _posting: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)

    def admit(self, connections: Iterable[str]) -> None:
        """They are told what comes from now on. Again, or when gone: nothing changes."""
        for connection_id in set(connections) - self._lanes.keys() - self._gone:
            lane: asyncio.Queue[Reply | None] = asyncio.Queue()
            self._lanes[connection_id] = lane
            self._posting[connection_id] = asyncio.create_task(self._post(connection_id, lane))

    def tell(self, frame: Reply) -> None:
        """Everybody, in order, without waiting for anybody."""
        for connection_id, lane in self._lanes.items():
            if lane.qsize() < BEHIND:
                lane.put_nowait(frame)
            else:
                log.warning("frame dropped", extra={"connection_id": connection_id})

    async def leave(self, within_s: float) -> None:
        """Returns when everything told has left, or the time is over."""
        for lane in self._lanes.values():
            lane.put_nowait(None)
        if posting := set(self._posting.values()):
            _, late = await asyncio.wait(posting, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._lanes.clear()
        self._posting.clear()

    async def _post(self, connection_id: str, lane: asyncio.Queue[Reply | None]) -> None:
        while (frame := await lane.get()) is not None:
            try:
                await self.push.post(connection_id, frame)
            except ConnectionGone:
                self._gone.add(connection_id)
                self._lanes.pop(connection_id, None)
                await self.forget(connection_id)
                return
            except PushFailed:
                log.warning("frame not delivered", extra={"connection_id": connection_id})

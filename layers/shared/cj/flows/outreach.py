"""Reaching others: browsers that look on, and the worker that goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cj.domain import replies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from uuid import UUID

    from cj.domain.messages import Message
    from cj.domain.replies import Reply
    from cj.logs import Journal
    from cj.push import Push, Worker

BUFFERED = 0  # the fence of a wake-up for what PostgreSQL has not seen


class Seen(Protocol):
    """What a look at a conversation found of its turns."""

    @property
    def turn(self) -> UUID | None: ...
    @property
    def fence(self) -> int | None: ...
    @property
    def invoke(self) -> bool: ...
    @property
    def ended(self) -> Message | None: ...
    @property
    def connections(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Outreach:
    """Never raises: who is not reached now is repaired by the next start or resume."""

    push: Push
    forget: Callable[[str], Awaitable[None]]
    worker: Worker
    journal: Journal

    async def tell(self, connections: Iterable[str], *frames: Reply) -> None:
        """The frames in their order. Who is gone is forgotten: that connection and no other."""
        left = set(connections)
        for frame in frames:
            for gone in await self.push.broadcast(sorted(left), frame):
                left.discard(gone)
                await self.forget(gone)

    async def wake(self, cid: UUID, turn: UUID, fence: int) -> None:
        """A worker takes it from here; a repeat is harmless."""
        await self.worker.wake(cid, turn, fence, self.journal.correlation_id)

    async def settle(self, cid: UUID, seen: Seen, besides: str | None = None) -> None:
        """Whoever touches a conversation keeps its turns going and tells of one that died."""
        if seen.invoke and seen.turn is not None and seen.fence is not None:
            await self.wake(cid, seen.turn, seen.fence)
        if seen.ended is not None:
            told = replies.message(str(cid), seen.ended.public())
            await self.tell(set(seen.connections) - {besides}, told)

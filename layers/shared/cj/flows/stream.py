"""Live text: what a running turn says, on its way to every tab that looks at the conversation."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from cj.domain import replies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from cj.domain.replies import Reply
    from cj.ephemeral import Ephemeral
    from cj.push import Push

EVERY_S = 0.1
PIECE_CHARS = 4_000  # of at most six bytes each: inside a frame


@dataclass(slots=True)
class LiveText:
    """Pieces go in with `say`; deltas go out at most ten times a second, in order.

    Leaving the block returns when everything that was said has left. A slow browser never holds
    up the model: text waits here and leaves as one larger delta.
    """

    ephemeral: Ephemeral
    push: Push
    forget: Callable[[str], Awaitable[None]]
    cid: UUID
    turn: UUID
    gen: int
    watchers: set[str]
    every_s: float = EVERY_S
    text: str = ""
    chunks: int = 0
    _sent: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _pump: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._pump = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._pump is None:
            return
        if kind is not None:  # the turn is not ours any more, or broke: say no more
            self._pump.cancel()
        self._over.set()
        self._news.set()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pump

    def say(self, piece: str) -> None:
        """Add to the answer."""
        self.text += piece
        self._news.set()

    async def tell(self, frame: Reply) -> None:
        """To everybody who watches. Who is gone is forgotten: that connection and no other."""
        for gone in await self.push.broadcast(sorted(self.watchers), frame):
            self.watchers.discard(gone)
            await self.forget(gone)

    async def _run(self) -> None:
        while self._sent < len(self.text) or not self._over.is_set():
            await self._news.wait()
            self._news.clear()
            while self._sent < len(self.text):
                await self._send()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self.every_s)

    async def _send(self) -> None:
        piece = self.text[self._sent : self._sent + PIECE_CHARS]
        i, self.chunks, self._sent = self.chunks, self.chunks + 1, self._sent + len(piece)
        self.watchers |= await self.ephemeral.append_chunk(self.cid, self.turn, self.gen, i, piece)
        await self.tell(replies.delta(str(self.cid), str(self.turn), self.gen, i, piece))

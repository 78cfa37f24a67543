"""Live text: what a running turn says, on its way to every tab that looks at the conversation."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from cj.agent.model import ToolStep
from cj.domain import replies

if TYPE_CHECKING:
    from uuid import UUID

    from cj.agent.model import Step
    from cj.domain.replies import Reply
    from cj.ephemeral import Heard, Live
    from cj.flows.audience import Audience

EVERY_S = 0.1
LISTEN_S = 0.5  # how long a stop or a new tab may go unnoticed while CJ is silent
PIECE_CHARS = 3_800  # of at most six bytes each: inside a frame


@dataclass(slots=True)
class LiveText:
    """Steps go in with `say`; deltas go out at most ten times a second, in order.

    Leaving the block returns when everything that was said is kept and on its way. A slow browser
    never holds up the model. `stopped` is set when somebody asked CJ to be silent.
    """

    log: Live
    audience: Audience
    cid: UUID
    turn: UUID
    gen: int
    every_s: float = EVERY_S
    listen_s: float = LISTEN_S
    chunks: list[str] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _text: list[str] = field(default_factory=list)
    _steps: deque[Step] = field(default_factory=deque)
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
        else:
            self._over.set()
            self._news.set()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pump

    @property
    def text(self) -> str:
        """Everything said so far."""
        return "".join(self._text)

    def say(self, step: Step) -> None:
        """Add to the answer, or tell of a look into the store."""
        if isinstance(step, str):
            self._text.append(step)
        self._steps.append(step)
        self._news.set()

    async def _run(self) -> None:
        while self._steps or not self._over.is_set():
            await _at_most(self.listen_s, self._news)
            self._news.clear()
            if not self._steps and not self._over.is_set():
                self._hear(await self.log.append(self.cid, self.turn, self.gen, self._held, ()))
            while self._steps:
                await self._send()
            await _at_most(self.every_s, self._over)

    @property
    def _held(self) -> int:
        return len(self.chunks)

    async def _send(self) -> None:
        if isinstance(self._steps[0], ToolStep):
            step = self._steps.popleft()
            assert isinstance(step, ToolStep)  # noqa: S101 - just looked
            self.audience.tell(self._tool(step))
            return
        i, piece = self._held, self._next_piece()
        self.chunks.append(piece)
        heard = await self.log.append(self.cid, self.turn, self.gen, i, (piece,))
        if heard is not None and heard.held < self._held:  # Redis lost what it had: all of it again
            heard = await self.log.append(self.cid, self.turn, self.gen, 0, self.chunks)
        self._hear(heard)
        self.audience.tell(replies.delta(str(self.cid), str(self.turn), self.gen, i, piece))

    def _tool(self, step: ToolStep) -> Reply:
        return replies.tool(
            str(self.cid),
            str(self.turn),
            self.gen,
            call=step.call,
            name=step.name,
            status=step.status,
            ms=step.ms,
            cached=step.cached,
            as_of=step.as_of.isoformat() if step.as_of else None,
        )

    def _next_piece(self) -> str:
        """The text that waits, up to a tool step or what a frame holds."""
        taken, size = [], 0
        while self._steps and isinstance(step := self._steps[0], str):
            room = PIECE_CHARS - size
            if len(step) > room:
                self._steps[0] = step[room:]
                taken.append(step[:room])
                break
            taken.append(step)
            size += len(step)
            self._steps.popleft()
        return "".join(taken)

    def _hear(self, heard: Heard | None) -> None:
        if heard is not None:
            self.audience.admit(heard.connections)
            if heard.stop:
                self.stopped.set()


async def _at_most(seconds: float, happened: asyncio.Event) -> None:
    """Returns when it has happened, or that late."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await happened.wait()

"""A model that behaves as the user's text asks it to, the same way each time.

instant                     everything at once (also what is said to any other text)
say 12 chunks every 50 ms   so many pieces with so long a pause before each
stream 60 s                 five pieces a second for so long
tool                        looks something up between two pieces
hang                        says one piece and never ends
fail                        says one piece, then the model is unavailable
crash, crash once           says one piece, then the process is gone: each time, or the first
"""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cj.agent.model import ToolStep
from cj.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

    from cj.agent.model import Step
    from cj.agent.store import Store
    from cj.domain.messages import Message

PAUSE_S = 0.2  # between the pieces of `stream`


class Notes(Protocol):
    """Where a model writes down that it speaks, and what it has done before."""

    def speaking(self) -> AbstractContextManager[None]: ...

    def first_time(self, what: str) -> bool: ...


class NoNotes:
    """Nothing is written down, and everything happens for the first time."""

    def speaking(self) -> AbstractContextManager[None]:
        return nullcontext()

    def first_time(self, what: str) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Answers the newest thing that a person said."""

    notes: Notes
    name: str = "rehearsed-v1"

    async def stream(
        self, window: Sequence[Message], from_seq: int, store: Store | None
    ) -> AsyncGenerator[Step, None]:
        """The same pieces for the same text, whoever asks and however often."""
        asked = next((m.text for m in reversed(window) if m.role == "user" and m.text), "")
        with self.notes.speaking():
            for pattern, play in _PLAYS:
                if found := re.search(pattern, asked):
                    async for step in play(self, asked, *found.groups()):
                        yield step
                    return

    async def _say(self, asked: str, count: str, pause_ms: str) -> AsyncIterator[Step]:
        for n in range(int(count)):
            await asyncio.sleep(int(pause_ms) / 1000)
            yield _piece(asked, n)

    async def _stream(self, asked: str, lasts_s: str) -> AsyncIterator[Step]:
        for n in range(max(round(float(lasts_s) / PAUSE_S), 1)):
            await asyncio.sleep(PAUSE_S)
            yield _piece(asked, n)

    async def _tool(self, asked: str) -> AsyncIterator[Step]:
        yield _piece(asked, 0)
        yield ToolStep("call-1", "count_orders", "started")
        yield ToolStep("call-1", "count_orders", "ok", ms=12, cached=True, result={"success": True})
        yield _piece(asked, 1)

    async def _hang(self, asked: str) -> AsyncIterator[Step]:
        yield _piece(asked, 0)
        await asyncio.Event().wait()

    async def _fail(self, asked: str) -> AsyncIterator[Step]:
        yield _piece(asked, 0)
        await asyncio.sleep(PAUSE_S)  # the piece is heard first
        raise ModelUnavailable

    async def _crash(self, asked: str, once: str | None) -> AsyncIterator[Step]:
        yield _piece(asked, 0)
        if once is None or self.notes.first_time(asked):
            await asyncio.sleep(PAUSE_S)
            os._exit(1)
        yield _piece(asked, 1)

    async def _at_once(self, asked: str) -> AsyncIterator[Step]:
        yield _piece(asked, 0)


def _piece(asked: str, n: int) -> str:
    return f"Piece {n} for “{asked[:40]}”. "


_PLAYS: tuple[tuple[str, Callable[..., AsyncIterator[Step]]], ...] = (
    (r"\bsay (\d+) chunks every (\d+) ms", Rehearsed._say),
    (r"\bstream (\d+(?:\.\d+)?) s\b", Rehearsed._stream),
    (r"\btool\b", Rehearsed._tool),
    (r"\bhang\b", Rehearsed._hang),
    (r"\bfail\b", Rehearsed._fail),
    (r"\bcrash\b(?: (once))?", Rehearsed._crash),
    ("", Rehearsed._at_once),
)

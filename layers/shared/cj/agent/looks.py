"""Looks into a store: each tool is asked once a turn, those of one answer at the same time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from cj.agent.model import ToolStep
from cj.domain.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cj.agent.store import Result, Store


@dataclass(slots=True)
class Looks:
    """Whoever has begun looks closes them; then none of them is under way."""

    store: Store
    clock: Callable[[], float] = time.monotonic
    _under_way: dict[str, asyncio.Task[ToolStep]] = field(default_factory=dict)
    _found: dict[str, Result] = field(default_factory=dict)

    def begin(self, names: Iterable[str]) -> list[ToolStep]:
        """The steps that tell of it; none for what was asked before."""
        started = []
        for name in dict.fromkeys(names):
            if name not in self._under_way and name not in self._found:
                step = ToolStep(str(new_id()), name, "started")
                self._under_way[name] = asyncio.create_task(self._look(step))
                started.append(step)
        return started

    async def end(self, name: str) -> list[ToolStep]:
        """Returns when the tool has answered; the step that tells of it, once."""
        looking = self._under_way.get(name)
        if looking is None:
            return []
        ended = await looking
        del self._under_way[name]
        self._found[name] = ended.result or {}
        return [ended]

    def found(self, name: str) -> Result:
        """What a look that has ended found."""
        return self._found[name]

    async def close(self) -> None:
        """Nobody waits for what has not ended yet."""
        for looking in self._under_way.values():
            looking.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _look(self, step: ToolStep) -> ToolStep:
        began = self.clock()
        result = await self.store.ask(step.name)
        as_of = result.get("as_of")
        return replace(
            step,
            status="ok" if result["success"] else "error",
            ms=round((self.clock() - began) * 1000),
            cached=result.get("cached"),
            as_of=as_of and datetime.fromisoformat(as_of),
            result=result,
        )

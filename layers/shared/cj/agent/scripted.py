"""The rule-based CJ: no key, no network, no guessing. It says only what it can do and what it saw.

Its answers are labelled (`model` is scripted-v1) and its token counts are NULL, because no tokens
were spent. It streams through the same loop as any model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.agent import script, telling
from cj.agent.looks import Looks
from cj.agent.script import Look

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from cj.agent.model import Step
    from cj.agent.store import Result, Store
    from cj.domain.messages import Message


@dataclass(frozen=True, slots=True)
class Scripted:
    """A model without a model."""

    name: str = "scripted-v1"

    async def stream(
        self, window: Sequence[Message], from_seq: int, store: Store | None
    ) -> AsyncGenerator[Step, None]:
        """The answers to everything said since `from_seq`, one after the other, in pieces.

        What needs no look is said at once; every look begins with the first and is told of in turn.
        """
        parts = script.answers(window, from_seq, connected=store is not None)
        if store is None:
            for piece in _pieces([part for part in parts if isinstance(part, str)], []):
                yield piece
            return
        looks, said = Looks(store), list[str]()
        try:
            for part in parts:
                texts = [part] if isinstance(part, str) else []
                if isinstance(part, Look):
                    for started in looks.begin(p.tool for p in parts if isinstance(p, Look)):
                        yield started
                    for ended in await looks.end(part.tool):
                        yield ended
                    texts = _told(part, looks.found(part.tool))
                for piece in _pieces(texts, said):
                    yield piece
        finally:
            await looks.close()


def _told(look: Look, result: Result) -> list[str]:
    if not result["success"]:
        return [telling.failure(result)]
    return [look.tell(result), telling.denied(result)]


def _pieces(texts: Sequence[str], said: list[str]) -> Iterator[str]:
    """Paragraphs word by word, none of them twice."""
    for text in texts:
        if text and text not in said:
            yield from re.findall(r"\s*\S+", f"\n\n{text}" if said else text)
            said.append(text)

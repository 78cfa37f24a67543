"""An answer in the making, put together from chunks that may come twice, late or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Live:
    """`text` holds the chunks before `next`, `ahead` those after a gap."""

    turn: str
    gen: int
    next: int = 0
    text: str = ""
    ahead: dict[int, str] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=lambda: {0: 0})  # where a chunk's text begins
    torn: bool = False  # Redis lost chunks: the final message replaces the text

    def hear(self, i: int, text: str) -> None:
        """One more chunk of this very attempt."""
        if i < self.next:
            return
        self.ahead[i] = text
        while (piece := self.ahead.pop(self.next, None)) is not None:
            self.text += piece
            self.next += 1
            self.starts[self.next] = len(self.text)

    def catch_up(self, first: int, following: int, text: str) -> None:
        """The chunks `first` to `following` - 1 in one piece, as `ready` and `sync` bring them."""
        if following > self.next and first in self.starts:
            self.text = self.text[: self.starts[first]] + text
            self.next = following
            self.starts[following] = len(self.text)
            self.ahead = {i: piece for i, piece in self.ahead.items() if i >= following}
            if following in self.ahead:
                self.hear(following, self.ahead[following])

    def is_whole(self, done: dict[str, Any]) -> bool:
        """Whether this is all of the answer, from the attempt that counts."""
        here = (self.turn, self.gen, self.next)
        there = (done["turn"], done["gen"], done["n"])
        return not self.torn and self.next > 0 and here == there  # nothing said: the row tells why


def heard(before: Live | None, turn: str, gen: int) -> Live | None:
    """Where a chunk of this attempt belongs: a higher one starts anew, a lower one is not heard."""
    if before is None or before.turn != turn or gen > before.gen:
        return Live(turn, gen)
    return before if gen == before.gen else None

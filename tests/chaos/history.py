"""What one tab said and was told, in its own words: the evidence the checker looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]


@dataclass
class Saying:
    """Something said. Times are those of one clock for all tabs."""

    client_id: str
    text: str
    said_at: float
    sent_at: float | None = None  # the first time it left
    accepted_at: float | None = None  # ack durable:false
    durable_at: float | None = None  # ack durable:true, committed, or seen among the rows
    acked_at: float | None = None  # the first ack of either kind
    message_id: str | None = None
    seq: int | None = None
    refused: str | None = None  # for good, with this code
    due: float = 0.0

    @property
    def waits(self) -> bool:
        """Whether the tab has to keep it."""
        return self.durable_at is None and self.refused is None

    def as_row(self) -> Frame:
        """The row it became, as far as its tab was told."""
        row = {"id": self.message_id, "seq": self.seq, "role": "user", "text": self.text}
        return {**row, "status": "complete", "client_id": self.client_id}


@dataclass
class Record:
    """One tab's life in one conversation."""

    tab: str
    cid: str = ""
    said: list[Saying] = field(default_factory=list)
    # (seq, message id) -> what said first that they belong together, durably
    claims: dict[tuple[int, str], str] = field(default_factory=dict)
    # (turn, gen, i) -> the chunk
    chunks: dict[tuple[str, int, int], str] = field(default_factory=dict)
    # turn -> the answers that a durable `done` told of
    ends: dict[str, set[str]] = field(default_factory=dict)
    troubles: list[tuple[str, str]] = field(default_factory=list)  # (kind, what), seen on the way
    transcript: dict[int, Frame] = field(default_factory=dict)  # by seq, as the tab shows it
    died_at: float | None = None  # with everything it had in memory
    connects: int = 0
    resumes: int = 0
    caught_up_s: list[float] = field(default_factory=list)  # from each reconnect to its answer

    def claim(self, seq: int, message_id: str, source: str) -> None:
        """Somebody said durably that this row has this seq."""
        self.claims.setdefault((seq, message_id), source)

    def chunk(self, turn: str, gen: int, i: int, text: str) -> None:
        """A piece of live text. Two texts in one place are two workers in one turn."""
        if self.chunks.setdefault((turn, gen, i), text) != text:
            self.troubles.append(("two turns at once", f"chunk {i} of {turn}/{gen} has two texts"))

"""The durable part of a conversation as a page holds it: rows by `seq`, 1..n without gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.chaos.history import Frame


@dataclass
class Transcript:
    """`rows` are the tab's evidence at the end; nothing is ever taken out of them."""

    rows: dict[int, Frame]
    last_seq: int = 0  # the highest heard of
    held_through: int = 0  # the last one before the first hole
    asked_through: int = 0
    answered_through: int = 0

    def add(self, row: Frame, *, from_server: bool) -> None:
        """A row from the server replaces the one that was put together here."""
        seq = row["seq"]
        if seq not in self.rows or from_server:
            self.rows[seq] = row
        self.hear_of(seq)
        while self.held_through + 1 in self.rows:
            self.held_through += 1
        if row["role"] == "assistant":
            through = row.get("answers_through") or self._newest(row.get("answers", ()))
            self.answered_through = max(self.answered_through, through)
        else:
            self.asked_through = max(self.asked_through, seq)

    def hear_of(self, seq: int) -> None:
        """There is a row with this `seq`, whether it is here or not."""
        self.last_seq = max(self.last_seq, seq)

    def _newest(self, client_ids: Collection[str]) -> int:
        """Of these inputs. An answer from an outage knows them by the ids their senders gave."""
        named = (seq for seq, row in self.rows.items() if row.get("client_id") in client_ids)
        return max(named, default=0)

    @property
    def has_hole(self) -> bool:
        """A hole always means that something was missed."""
        return self.held_through < self.last_seq

    @property
    def awaits_answer(self) -> bool:
        """Something that was said still waits for CJ."""
        return self.asked_through > self.answered_through

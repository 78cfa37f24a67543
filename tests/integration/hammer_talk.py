"""One conversation under the hammer, and what is kept of it outside PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.integration.chatroom import answered, said
from tests.integration.hammer_faults import History

if TYPE_CHECKING:
    from uuid import UUID

    from cj.domain.entries import Entry

    from tests.integration.chatroom import Room


class Kept:
    """What Redis keeps of a conversation in an outage: each method is one step, as a script is."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def keep(self, client: UUID, prev: UUID | None, durable: dict[UUID, None]) -> bool:
        """False: its predecessor is not known."""
        known = {entry.client_id for entry in self.entries}
        if prev is not None and prev not in known | durable.keys():
            return False
        if client not in known:
            self.entries.append(said("Hello", client))
        return True

    def answer(self, durable: list[UUID]) -> None:
        """CJ answers what has no answer here, and what it thinks has none in PostgreSQL."""
        named = {client for entry in self.entries for client in entry.answers}
        kept = [entry.client_id for entry in self.entries if entry.client_id]
        inputs = [*durable, *(client for client in kept if client not in named)]
        if inputs:
            self.entries.append(answered(*inputs))

    def drained(self, entries: list[Entry]) -> None:
        gone = {entry.id for entry in entries}
        self.entries = [entry for entry in self.entries if entry.id not in gone]


@dataclass
class Talk:
    """One conversation: its tables, what is kept outside, and what was told."""

    room: Room
    kept: Kept = field(default_factory=Kept)
    history: History = field(default_factory=History)
    durable: dict[UUID, None] = field(default_factory=dict)  # in the order it was told
    own: list[UUID] = field(default_factory=list)  # what can be put differently
    answers: list[UUID] = field(default_factory=list)  # what can be asked for again
    stopping: set[UUID] = field(default_factory=set)  # turns that will know of it when they begin

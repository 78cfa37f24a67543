"""What must not be in a conversation's tables after the hammer, each fault by its name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from cj.domain.entries import Entry
    from cj.domain.turns import Begun, Received, Settled

    from tests.integration.chatroom import Room

    Rows = list[dict[str, Any]]


@dataclass
class History:
    """What people and workers of one conversation were told."""

    said: list[list[UUID]] = field(default_factory=list)  # of each person, in the person's order
    acks: list[tuple[UUID, Received]] = field(default_factory=list)
    settled: list[tuple[Entry, Settled]] = field(
        default_factory=list
    )  # what became of what was kept
    begun: list[tuple[UUID, Begun]] = field(default_factory=list)  # by which worker
    stops: set[UUID] = field(default_factory=set)  # turns somebody wanted to stop

    async def faults(self, room: Room) -> list[str]:
        """Everything in this conversation's tables that must not be there."""
        conversation, rows = await room.row(), await room.rows()
        return [
            *_of_numbering(conversation, rows),
            *self._of_messages(rows),
            *self._of_kept(rows),
            *_of_answers(conversation, rows),
            *self._of_workers(rows),
            *self._of_silence(conversation, rows),
        ]

    def _of_messages(self, rows: Rows) -> list[str]:
        found = {row["client_id"]: row for row in rows if row["client_id"]}
        said = {client for mine in self.said for client in mine}
        faults = ["a message was lost"] * len(said - set(found))
        faults += ["a message nobody said"] * len(set(found) - said)
        for mine in self.said:
            seqs = [found[client]["seq"] for client in mine if client in found]
            faults += ["a person's own order broke" for a, b in pairwise(seqs) if a >= b]
        for client, ack in self.acks:
            row = found.get(client)
            if row and (row["seq"], row["id"]) != (ack.seq, ack.message_id):
                faults.append("an ack told of another row")
        return faults

    def _of_kept(self, rows: Rows) -> list[str]:
        at = {row["seq"]: row for row in rows}
        clients = {row["client_id"]: row["seq"] for row in rows if row["client_id"]}
        faults = []
        for entry, settled in self.settled:
            row = at.get(settled.seq)
            if row is None:
                right = settled.replaced and entry.kind == "answer" and settled.seq is None
            elif entry.kind == "input" or not settled.replaced:
                same = row["id"] == entry.id
                right = row["client_id"] == entry.client_id and same != settled.replaced
            else:
                newest = max(clients[each] for each in entry.answers if each in clients)
                right = newest in _answered_by(row)
            if not right:
                faults.append("what was kept is not where it was said to be")
        return faults

    def _of_workers(self, rows: Rows) -> list[str]:
        workers = Counter(fence for _, fence in {(who, begun.fence) for who, begun in self.begun})
        faults = ["two workers in one turn" for count in workers.values() if count > 1]
        for _, begun in self.begun:
            inputs = tuple(
                row["client_id"]
                for row in rows
                if row["client_id"] and begun.from_seq <= row["seq"] <= begun.through_seq
            )
            if inputs != begun.inputs:
                faults.append("a worker was told of other inputs")
        return faults

    def _of_silence(self, conversation: dict[str, Any], rows: Rows) -> list[str]:
        stopped = {row["turn_id"] for row in rows if row["status"] == "stopped"}
        faults = ["a turn was stopped that nobody stopped"] * len(stopped - self.stops)
        if conversation["turn_stop"]:
            faults.append("a stop outlived its turn")
        return faults


def _answered_by(row: dict[str, Any]) -> range:
    return range(row["answers_from"] or 0, (row["answers_through"] or -1) + 1)


def _of_numbering(conversation: dict[str, Any], rows: Rows) -> list[str]:
    seqs = [row["seq"] for row in rows]
    faults = []
    if seqs != list(range(1, len(rows) + 1)):
        faults.append("seq has a gap")
    if conversation["last_seq"] != max(seqs, default=0):
        faults.append("last_seq is not the last seq")
    if conversation["message_count"] != sum(row["control"] is None for row in rows):
        faults.append("message_count is not their number")
    return faults


def _of_answers(conversation: dict[str, Any], rows: Rows) -> list[str]:
    answers = [row for row in rows if row["role"] == "assistant"]
    answered = Counter(seq for row in answers for seq in _answered_by(row))
    inputs = [row["seq"] for row in rows if row["role"] == "user"]
    faults = ["a message has no answer" for seq in inputs if answered[seq] == 0]
    faults += ["a message has two answers" for seq in inputs if answered[seq] > 1]
    turns = Counter(row["turn_id"] for row in answers)
    faults += ["a turn answered twice" for count in turns.values() if count > 1]
    if any(row["answers_through"] >= row["seq"] for row in answers):
        faults.append("an answer came before its question")
    if conversation["turn_id"] is not None:
        faults.append("a wake-up was lost: a turn is taken and nobody works on it")
    return faults

"""What waits for an answer while PostgreSQL is away, and what CJ reads before it answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from cj.domain.entries import Entry
    from cj.domain.messages import Message


@dataclass(frozen=True, slots=True)
class Waiting:
    """The inputs, by the ids their senders gave them, and the window they are answered from."""

    inputs: tuple[UUID, ...]
    from_seq: int
    window: list[Message]


def waiting(messages: Sequence[Message], entries: Sequence[Entry]) -> Waiting | None:
    """What the newest rows and the buffer leave unanswered; None: nothing.

    Buffered messages get the numbers they would have if PostgreSQL took them now.
    """
    through = max((m.answers_through or 0 for m in messages), default=0)
    last = max((m.seq for m in messages), default=0)
    answered = {client_id for entry in entries for client_id in entry.answers}
    rows = [*messages, *_numbered(entries, last, messages)]
    open_ = [
        row
        for row in rows
        if _is_input(row) and row.client_id not in answered and (row.seq > through)
    ]
    if not open_:
        return None
    inputs = tuple(row.client_id for row in open_ if row.client_id is not None)
    return Waiting(inputs, open_[0].seq, _window(rows, {row.seq for row in open_}))


def _is_input(row: Message) -> bool:
    return row.role == "user" or row.hidden


def _numbered(
    entries: Sequence[Entry], last: int, messages: Iterable[Message]
) -> Iterable[Message]:
    known = {m.client_id: m.seq for m in messages if m.client_id is not None}
    for seq, entry in enumerate(entries, last + 1):
        if entry.client_id is not None:
            known[entry.client_id] = seq
        answered = [known[client_id] for client_id in entry.answers if client_id in known]
        yield replace(entry.as_message(), seq=seq, answers_through=max(answered, default=None))


def _window(rows: Sequence[Message], open_: set[int]) -> list[Message]:
    hidden = [range(m.supersedes_from, m.seq) for m in rows if m.supersedes_from is not None]
    spoken = [
        row
        for row in rows
        if row.status != "error"
        and (row.seq in open_ if row.hidden else row.text)
        and not any(row.seq in gap for gap in hidden)
    ]
    return sorted(
        spoken, key=lambda m: (m.answers_through or m.seq, bool(m.answers_through), m.seq)
    )

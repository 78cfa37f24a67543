"""Messages and conversations as they are read back, the same from rows and from the archive."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Message:
    """One row of a conversation; `content` is there only where a model reads it."""

    id: UUID
    seq: int
    role: str
    text: str
    created_at: datetime
    status: str
    client_id: UUID | None = None
    control: str | None = None
    content: dict[str, Any] | None = None
    answers_from: int | None = None
    answers_through: int | None = None
    supersedes_from: int | None = None
    turn_id: UUID | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_tokens: int | None = None
    latency_ms: int | None = None
    ttft_ms: int | None = None
    sources: Any = None
    ui: Any = None

    @property
    def hidden(self) -> bool:
        """A control row: it asks CJ for something and is not for people to read."""
        return self.control is not None

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """The content blocks of the Converse API: text, toolUse, toolResult."""
        return list(self.content["blocks"]) if self.content else [{"text": self.text}]

    def public(self) -> dict[str, Any]:
        """The message as socket and HTTP show it; what is not known is left out."""
        known = {
            "client_id": self.client_id and str(self.client_id),
            "hidden": self.hidden or None,
            "answers_from": self.answers_from,
            "answers_through": self.answers_through,
            "supersedes_from": self.supersedes_from,
            "turn": self.turn_id and str(self.turn_id),
            "model": self.model,
            "usage": self._usage(),
            "latency_ms": self.latency_ms,
            "sources": self.sources,
            "ui": self.ui,
        }
        return {
            "id": str(self.id),
            "seq": self.seq,
            "role": self.role,
            "text": self.text,
            "created_at": self.created_at.isoformat(),
            "status": self.status,
            **{name: value for name, value in known.items() if value is not None},
        }

    def _usage(self) -> dict[str, int | None] | None:
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return {
            "input": self.input_tokens,
            "output": self.output_tokens,
            "cache": self.cache_tokens,
        }


_FIELDS = frozenset(field.name for field in fields(Message))
_READ: dict[str, Callable[[str], Any]] = {
    "id": UUID,
    "client_id": UUID,
    "turn_id": UUID,
    "created_at": lambda moment: datetime.fromisoformat(moment).astimezone(UTC),
}
_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "id": str,
    "client_id": str,
    "turn_id": str,
    "created_at": datetime.isoformat,
}


def message_from_json(stored: dict[str, Any]) -> Message:
    """A message from its stored JSON. Keys a newer schema added are left alone."""
    return Message(
        **{
            name: _READ[name](value) if name in _READ else value
            for name, value in stored.items()
            if value is not None and name in _FIELDS
        }
    )


def message_to_json(message: Message) -> dict[str, Any]:
    """What `message_from_json` reads back; what is not known is left out."""
    known = ((field.name, getattr(message, field.name)) for field in fields(message))
    return {
        name: _WRITTEN[name](value) if name in _WRITTEN else value
        for name, value in known
        if value is not None
    }


def title_of(text: str) -> str | None:
    """A first title: the first words, on one line, cut between words where there are any."""
    line = " ".join(text.split())
    if len(line) <= TITLE_CHARS:
        return line or None
    head = line[: TITLE_CHARS - 1]
    words = head.rpartition(" ")[0]
    return f"{words if len(words) > TITLE_CHARS // 2 else head}…"


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in a list."""

    id: UUID
    title: str | None
    preview: str | None
    updated_at: datetime
    message_count: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """A page of a conversation, oldest first; `more` newer ones follow."""

    id: UUID
    workflow: str
    title: str | None
    started_at: datetime
    ended_at: datetime | None
    last_seq: int
    messages: list[Message]
    more: bool

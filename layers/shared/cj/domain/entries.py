"""Entries: what was said and answered while PostgreSQL could not be reached."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args
from uuid import UUID

from cj.domain.messages import Message
from cj.domain.turns import Status

if TYPE_CHECKING:
    from collections.abc import Callable

Kind: TypeAlias = Literal["input", "answer"]
_KINDS = get_args(Kind)
_STATUSES = get_args(Status)
_INT_END = 2**31


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them. An answer names the client ids of every input it answers, durable ones too."""

    kind: Kind
    id: UUID
    client_id: UUID | None
    text: str
    at: datetime
    turn: UUID | None = None
    status: Status = "complete"
    model: str | None = None
    latency_ms: int | None = None
    ttft_ms: int | None = None
    content: dict[str, Any] | None = None
    sources: list[Any] | None = None
    answers: tuple[UUID, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads back; what is not known is left out."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        written = {
            "id": str(self.id),
            "client_id": self.client_id and str(self.client_id),
            "turn": self.turn and str(self.turn),
            "at": self.at.isoformat(),
            "answers": [str(client_id) for client_id in self.answers] or None,
        }
        return {name: value for name, value in {**known, **written}.items() if value is not None}

    @classmethod
    def from_json(cls, stored: object) -> Entry:
        """Raises ValueError for anything that PostgreSQL could not take as a row either."""
        if not isinstance(stored, dict):
            raise ValueError("an entry is an object")
        missing = {"kind", "id", "text", "at"} - stored.keys()
        if missing:
            raise ValueError(f"an entry without {sorted(missing)}")
        entry = cls(
            **{
                "client_id": None,
                **{name: read(stored[name]) for name, read in _READ.items() if name in stored},
            }
        )
        if (entry.client_id is None) == (entry.kind == "input"):
            raise ValueError("an input has a client id and an answer has none")
        return entry

    def as_message(self) -> Message:
        """The message that it is; seq 0, for only PostgreSQL numbers."""
        return Message(
            id=self.id,
            seq=0,
            role="user" if self.kind == "input" else "assistant",
            text=self.text,
            created_at=self.at,
            status=self.status,
            client_id=self.client_id,
            content=self.content,
            turn_id=self.turn,
            model=self.model,
            latency_ms=self.latency_ms,
            ttft_ms=self.ttft_ms,
            sources=self.sources,
        )

    def public(self) -> dict[str, Any]:
        """The message as browsers see it, not numbered yet."""
        answers = {"answers": [str(client_id) for client_id in self.answers]}
        return {**self.as_message().public(), "seq": None, **(answers if self.answers else {})}


def _words(value: object) -> str:
    """Text PostgreSQL can hold: no NUL, no half of a surrogate pair."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("not a text")
    value.encode()
    return value


def _uuid(value: object) -> UUID:
    return UUID(_words(value))


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_words(value))
    if moment.tzinfo is None:
        raise ValueError("a moment without its offset")
    return moment.astimezone(UTC)


def _one_of(allowed: tuple[str, ...]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in allowed:
            raise ValueError(f"none of {allowed}")
        return str(value)

    return read


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < _INT_END:
        raise ValueError("not a count")
    return value


def _uuids(value: object) -> tuple[UUID, ...]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    return tuple(map(_uuid, value))


def _content(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not {"v", "blocks"} <= value.keys():
        raise ValueError("not the content of a message")
    _check(value)
    return value


def _sources(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    _check(value)
    return value


def _check(value: object) -> None:
    if isinstance(value, str):
        _words(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("no number PostgreSQL knows")
    elif isinstance(value, (dict, list)):
        for inner in [*value, *(value.values() if isinstance(value, dict) else ())]:
            _check(inner)


_READ: dict[str, Callable[[object], Any]] = {
    "kind": _one_of(_KINDS),
    "id": _uuid,
    "client_id": _uuid,
    "text": _words,
    "at": _moment,
    "turn": _uuid,
    "status": _one_of(_STATUSES),
    "model": _words,
    "latency_ms": _count,
    "ttft_ms": _count,
    "content": _content,
    "sources": _sources,
    "answers": _uuids,
}

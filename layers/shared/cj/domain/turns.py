"""Who speaks, and what the turn functions answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from cj.domain.messages import Message

Outcome: TypeAlias = Literal[
    "new", "dup", "id_conflict", "out_of_order", "overloaded", "busy", "not_found"
]
Control: TypeAlias = Literal["regenerate", "trigger"]
Status: TypeAlias = Literal["complete", "stopped", "interrupted", "error"]


@dataclass(frozen=True, slots=True)
class Session:
    """A live web session. `user_id` is None until somebody signed in."""

    token_hash: str
    owner_id: str
    user_id: str | None
    shop_domain: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who speaks on a connection, its session still live."""

    connection_id: str
    owner_id: str
    user_id: str | None
    token_hash: str
    conversation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation, subscribed to and then read.

    `messages` are the newest (`more`: older ones exist), or those after the asked-for seq
    (`more`: newer ones follow). `turn` and `fence` tell of a running turn. With `invoke` it
    needs a worker: nobody has begun it; `ended` is the error row of one that died for good.
    """

    cid: UUID
    workflow: str
    title: str | None
    last_seq: int
    messages: list[Message]
    more: bool
    connections: tuple[str, ...]
    turn: UUID | None
    fence: int | None
    invoke: bool
    ended: Message | None


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an input. New and dup are durable and carry seq, message_id, created_at.

    Whatever the outcome, `invoke` says that a worker must be woken with `turn` and `fence`, and
    `ended` is the error row of a turn that died for good just now: tell `connections`.
    """

    outcome: Outcome
    seq: int | None
    message_id: UUID | None
    created_at: datetime | None
    turn: UUID | None
    fence: int | None
    invoke: bool
    ended: Message | None
    connections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that is this worker's: it answers the inputs `from_seq` to `through_seq`."""

    fence: int
    from_seq: int
    through_seq: int
    last_seq: int
    owner_id: str
    user_id: str | None
    merchant_id: UUID | None
    workflow: str
    connections: tuple[str, ...]
    window: list[Message]


@dataclass(frozen=True, slots=True)
class Renewed:
    """The lease goes on. `stop`: somebody asked CJ to be silent."""

    stop: bool
    connections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer is committed. With `next_turn` a new worker must be woken with it and `fence`."""

    seq: int
    message_id: UUID
    created_at: datetime
    next_turn: UUID | None
    fence: int
    connections: tuple[str, ...]

"""Who speaks, and what the turn functions answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from cj.domain.messages import Message

Outcome: TypeAlias = Literal[
    "new", "dup", "id_conflict", "out_of_order", "overloaded", "busy", "not_found", "unfit"
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
    (`more`: newer ones follow); None: the caller knows them. `turn` and `fence` tell of a running
    turn. With `invoke` it needs a worker: nobody has begun it; `ended` is the error row of one
    that died for good. `shop` is the owner's, while CJ may read it.
    """

    cid: UUID
    workflow: str
    title: str | None
    last_seq: int
    messages: list[Message] | None
    more: bool
    connections: tuple[str, ...]
    turn: UUID | None
    fence: int | None
    invoke: bool
    ended: Message | None
    shop: str | None = None


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
    workflow: str | None = None  # None: not_found
    control: str | None = None
    supersedes_from: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that is this worker's: it answers the inputs `from_seq` to `through_seq`.

    `inputs` are their senders' ids, oldest first. `stop`: somebody asked CJ to be silent already.
    `shop` is the owner's, while CJ may read it.
    """

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
    inputs: tuple[UUID, ...] = ()
    stop: bool = False
    shop: str | None = None


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


class Settled(NamedTuple):
    """Where a drained entry stands now.

    `replaced`: as another row, at `seq`; None: as none yet (an answer that came to nothing).
    """

    id: UUID
    client_id: UUID | None
    kind: Literal["input", "answer"]
    seq: int | None
    replaced: bool


@dataclass(frozen=True, slots=True)
class Drained:
    """What was kept outside is committed. `rows` tell of every entry, `messages` are new rows.

    `turn` and `fence` tell of a running turn. With `invoke` it needs a worker: nobody has begun
    it; `ended` is the error row of one that died for good, newer than `messages`.
    """

    rows: list[Settled]
    messages: list[Message]
    owner_id: str
    workflow: str
    last_seq: int
    turn: UUID | None
    fence: int | None
    invoke: bool
    ended: Message | None
    connections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Revived:
    """A turn whose worker died. With `invoke` a worker must be woken with `turn` and `fence`;
    `ended` is the error row of one that died for good: tell `connections`.
    """

    cid: UUID
    turn: UUID | None
    fence: int
    invoke: bool
    ended: Message | None
    connections: tuple[str, ...]

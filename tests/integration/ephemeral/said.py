"""What people and CJ say in these tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from cj.domain.entries import Entry
from cj.domain.ids import new_id
from cj.domain.messages import Message

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

OWNER, WORKFLOW = "anon_1", "support"
AT = datetime(2026, 11, 21, 5, 41, 43, 828297, tzinfo=UTC)


def said(text: str = "Hi", client_id: UUID | None = None) -> Entry:
    return Entry("input", new_id(), client_id or uuid4(), text, AT)


def answer(turn: UUID, *client_ids: UUID | None) -> Entry:
    answered = tuple(client_id for client_id in client_ids if client_id is not None)
    return Entry("answer", new_id(), None, "Well.", AT, turn=turn, answers=answered)


def row(seq: int, text: str = "Hi") -> Message:
    return Message(new_id(), seq, "user", text, AT, "complete", client_id=uuid4())


async def keys_of(client: Redis | RedisCluster) -> list[str]:
    return sorted([key async for key in client.scan_iter()])

"""The cache of the newest messages: never a gap, never an older end than it had."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from cj.ephemeral import Cached, Recent

from tests.integration.ephemeral.said import OWNER, WORKFLOW, row

if TYPE_CHECKING:
    from cj.domain.messages import Message
    from redis.asyncio import Redis, RedisCluster

ROWS = [row(seq) for seq in range(1, 31)]


@pytest.fixture
def cid() -> UUID:
    return uuid4()


async def kept(recent: Recent, cid: UUID) -> list[Message]:
    cached = await recent.read(cid)
    assert cached is not None
    assert (cached.owner_id, cached.workflow) == (OWNER, WORKFLOW)
    assert cached.last_seq == (cached.messages[-1].seq if cached.messages else 0)
    return cached.messages


async def test_nothing_is_known_of_a_conversation_nobody_opened(recent: Recent, cid: UUID) -> None:
    assert await recent.read(cid) is None


async def test_messages_are_kept_from_the_first_one_on(recent: Recent, cid: UUID) -> None:
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[:1])
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[1:3])
    assert await recent.read(cid) == Cached(OWNER, WORKFLOW, ROWS[:3])


async def test_an_empty_conversation_is_known_too(recent: Recent, cid: UUID) -> None:
    await recent.fill(cid, OWNER, WORKFLOW, [])
    assert await kept(recent, cid) == []
    await recent.keep(cid, OWNER, WORKFLOW, [])
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[:1])
    assert await kept(recent, cid) == ROWS[:1]


async def test_only_the_newest_stay(recent: Recent, cid: UUID) -> None:
    await recent.keep(cid, OWNER, WORKFLOW, ROWS)
    assert await kept(recent, cid) == ROWS[-15:]
    await recent.forget(cid)
    assert await recent.read(cid) is None
    await recent.fill(cid, OWNER, WORKFLOW, ROWS)
    assert await kept(recent, cid) == ROWS[-15:]


async def test_what_is_there_already_changes_nothing(recent: Recent, cid: UUID) -> None:
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[:5])
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[1:4])
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[3:7])
    assert await kept(recent, cid) == ROWS[:7]


@pytest.mark.parametrize("before", [0, 3], ids=["empty", "some"])
async def test_where_one_is_missing_nothing_is_kept(recent: Recent, cid: UUID, before: int) -> None:
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[:before])
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[before + 1 : before + 3])
    assert await kept(recent, cid) == []
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[before + 3 : before + 4])
    assert await kept(recent, cid) == []


async def test_a_gap_inside_what_is_given_empties_it(recent: Recent, cid: UUID) -> None:
    await recent.keep(cid, OWNER, WORKFLOW, [ROWS[0], ROWS[2]])
    assert await kept(recent, cid) == []


async def test_what_postgresql_read_fills_the_cache(recent: Recent, cid: UUID) -> None:
    await recent.fill(cid, OWNER, WORKFLOW, ROWS[5:20])
    assert await kept(recent, cid) == ROWS[5:20]
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[20:21])
    assert await kept(recent, cid) == ROWS[6:21]
    await recent.fill(cid, OWNER, WORKFLOW, ROWS[10:21])
    assert await kept(recent, cid) == ROWS[10:21]


async def test_what_was_read_before_a_newer_message_does_not_replace_it(
    recent: Recent, cid: UUID
) -> None:
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[:6])
    await recent.fill(cid, OWNER, WORKFLOW, ROWS[:5])
    await recent.fill(cid, OWNER, WORKFLOW, [])
    assert await kept(recent, cid) == ROWS[:6]


@pytest.mark.parametrize("garbage", ["{", "7", "[]", "null", '{"seq": "x"}', '{"seq": 5}'])
async def test_what_nobody_can_read_is_a_miss_and_is_replaced(
    recent: Recent, cid: UUID, client: Redis | RedisCluster, garbage: str
) -> None:
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[:5])
    await client.lpush(f"{{{cid}}}:msgs", garbage)
    assert await recent.read(cid) is None
    await recent.fill(cid, OWNER, WORKFLOW, ROWS[:7])
    assert await kept(recent, cid) == ROWS[:7]


async def test_a_new_owner_is_told_at_once(recent: Recent, cid: UUID) -> None:
    await recent.keep(cid, "anon_2", "before", ROWS[:1])
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[1:2])
    assert await kept(recent, cid) == ROWS[:2]


async def test_the_cache_lives_as_long_as_was_said(
    recent: Recent, cid: UUID, client: Redis | RedisCluster
) -> None:
    await recent.keep(cid, OWNER, WORKFLOW, ROWS[:1])
    for key in (f"{{{cid}}}:msgs", f"{{{cid}}}:conv"):
        assert 3_500 < await client.ttl(key) <= 3_600

"""A conversation is deleted: nothing of it stays in Redis, and nothing comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cj.domain.ids import new_id
from cj.ephemeral import Erasure

from tests.integration.chatroom import answered, said

if TYPE_CHECKING:
    from uuid import UUID

    from cj.ephemeral import Buffer, Ephemeral, Live, Recent
    from redis.asyncio import Redis, RedisCluster

OWNER, TURN = "usr_0123abcd", new_id()


@pytest.fixture
def erasure(ephemeral: Ephemeral) -> Erasure:
    return Erasure(ephemeral)


async def everything(cid: UUID, live: Live, recent: Recent, buffer: Buffer) -> None:
    """A conversation in the middle of all that can be."""
    await recent.keep(cid, OWNER, "w", [])
    await live.watch(cid, "conn=")
    waiting = said("words")
    await buffer.say(cid, OWNER, waiting, None, 5)
    await buffer.take(cid, "token", 20)
    await buffer.finish(cid, "token", answered(waiting))
    await buffer.say(cid, OWNER, said("more words"), None, 5)
    await buffer.take(cid, "another", 20)
    await live.append(cid, TURN, 1, 0, ["words"])
    await live.append(cid, TURN, 2, 0, ["words"])
    await live.stop(cid, TURN)
    pending = await buffer.pending(cid)
    assert pending is not None
    await buffer.quarantine(cid, [pending.entries[0][0]])


async def kept(client: Redis | RedisCluster) -> list[str]:
    return sorted([key async for key in client.scan_iter()])


async def test_nothing_stays_but_a_tombstone(
    erasure: Erasure, live: Live, recent: Recent, buffer: Buffer, client: Redis | RedisCluster
) -> None:
    cid, other = new_id(), new_id()
    await recent.keep(other, OWNER, "w", [])
    await everything(cid, live, recent, buffer)
    there = await kept(client)
    assert len([key for key in there if str(cid) in key]) >= 10
    assert await erasure.conversation(cid) == {"conn="}
    assert await kept(client) == sorted([f"{{{cid}}}:gone", f"{{{other}}}:conv"])
    assert 0 < await client.ttl(f"{{{cid}}}:gone") <= 900
    assert await erasure.conversation(cid) == set()


async def test_whoever_is_late_writes_nothing_and_a_worker_hears_a_stop(
    erasure: Erasure, live: Live, recent: Recent, buffer: Buffer, client: Redis | RedisCluster
) -> None:
    cid = new_id()
    await everything(cid, live, recent, buffer)
    await erasure.conversation(cid)
    heard = await live.append(cid, TURN, 1, 1, ["late words"])
    assert heard is not None
    assert (heard.stop, heard.held, heard.connections) == (True, 2, set())
    await recent.keep(cid, OWNER, "w", [])
    await recent.fill(cid, OWNER, "w", [])
    finished = await buffer.finish(cid, "another", answered(new_id()))
    assert (finished.stored, finished.more) == (False, False)
    assert (await buffer.say(cid, OWNER, said("late"), None, 5)).outcome == "not_open"
    assert await kept(client) == [f"{{{cid}}}:gone"]


async def test_a_connection_is_forgotten_with_what_it_watched(
    erasure: Erasure, live: Live, client: Redis | RedisCluster
) -> None:
    cid: Any = new_id()
    await live.watch(cid, "conn=")
    await client.hset("conn:conn=", "owner", OWNER)
    await erasure.connection("conn=")
    assert await kept(client) == [f"{{{cid}}}:conns"]

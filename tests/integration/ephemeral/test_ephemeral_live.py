"""Who watches a conversation, and what CJ is saying in it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from cj.ephemeral import Heard, Live, Recent

from tests.integration.ephemeral.said import OWNER, WORKFLOW, keys_of, row

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster


@pytest.fixture
def cid() -> UUID:
    return uuid4()


@pytest.fixture
def turn() -> UUID:
    return uuid4()


async def test_a_connection_watches_one_conversation(live: Live, cid: UUID) -> None:
    other = uuid4()
    await live.watch(cid, "a=")
    await live.watch(cid, "b=")
    await live.watch(cid, "a=")
    assert await live.watchers(cid) == {"a=", "b="}
    await live.watch(other, "a=")
    assert (await live.watchers(cid), await live.watchers(other)) == ({"b="}, {"a="})
    await live.watch(cid, "a=")
    assert (await live.watchers(cid), await live.watchers(other)) == ({"a=", "b="}, set())


async def test_a_move_that_was_half_done_is_completed_by_the_next_watch(
    live: Live, cid: UUID, client: Redis | RedisCluster
) -> None:
    there = uuid4()
    await live.watch(cid, "a=")
    await live.watch(there, "a=")
    await client.sadd(f"{{{cid}}}:conns", "a=")
    await live.watch(there, "a=")
    assert await live.watchers(cid) == set()


async def test_who_leaves_a_conversation_is_no_longer_told(
    live: Live, cid: UUID, client: Redis | RedisCluster
) -> None:
    await live.watch(cid, "a=")
    await live.watch(cid, "b=")
    await live.unwatch(uuid4(), "a=")
    assert await live.watchers(cid) == {"a=", "b="}
    assert await client.exists("at:a=")
    await live.unwatch(cid, "a=")
    assert await live.watchers(cid) == {"b="}
    assert not await client.exists("at:a=")


async def test_pieces_are_kept_in_order_and_the_worker_hears_who_watches(
    live: Live, cid: UUID, turn: UUID
) -> None:
    assert await live.append(cid, turn, 4, 0, ["one "]) == Heard(set(), stop=False, held=1)
    await live.watch(cid, "a=")
    heard = await live.append(cid, turn, 4, 1, ["two ", "three"])
    assert heard == Heard({"a="}, stop=False, held=3)
    assert await live.append(cid, turn, 4, 3, []) == heard
    assert await live.chunks(cid, turn, 4) == ["one ", "two ", "three"]
    assert await live.chunks(cid, turn, 5) == []


async def test_pieces_that_come_again_are_kept_once(live: Live, cid: UUID, turn: UUID) -> None:
    for since, pieces in [(0, ["one "]), (1, ["two"]), (0, ["one "]), (1, ["two"])]:
        await live.append(cid, turn, 4, since, pieces)
    assert await live.chunks(cid, turn, 4) == ["one ", "two"]


@pytest.mark.parametrize("left", [0, 1, 2], ids="{} pieces left".format)
async def test_what_redis_lost_is_noticed_and_put_back(
    live: Live, cid: UUID, turn: UUID, client: Redis | RedisCluster, left: int
) -> None:
    pieces = ["one ", "two ", "three ", "four"]
    await live.append(cid, turn, 4, 0, pieces[:3])
    await client.ltrim(f"{{{cid}}}:turn:{turn}:4", 0, left - 1) if left else await client.delete(
        f"{{{cid}}}:turn:{turn}:4"
    )
    heard = await live.append(cid, turn, 4, 3, pieces[3:])
    assert heard is not None
    assert heard.held == left
    heard = await live.append(cid, turn, 4, 0, pieces)
    assert heard is not None
    assert heard.held == 4
    assert await live.chunks(cid, turn, 4) == pieces


async def test_very_many_pieces_are_put_back_at_once(live: Live, cid: UUID, turn: UUID) -> None:
    pieces = [str(i) for i in range(20_000)]
    await live.append(cid, turn, 4, 0, pieces)
    assert await live.chunks(cid, turn, 4) == pieces


async def test_a_stop_is_heard_in_its_turn_alone(live: Live, cid: UUID, turn: UUID) -> None:
    await live.stop(cid, turn)
    for which, stopped in [(turn, True), (uuid4(), False)]:
        heard = await live.append(cid, which, 1, 0, ["x"])
        assert heard is not None
        assert heard.stop == stopped


async def test_of_a_forgotten_conversation_nothing_is_left(
    live: Live, recent: Recent, cid: UUID, client: Redis | RedisCluster
) -> None:
    await live.watch(cid, "a=")
    await recent.keep(cid, OWNER, WORKFLOW, [row(1)])
    await live.forget_conversation(cid)
    assert await keys_of(client) == ["at:a="]


async def test_everything_live_vanishes_by_itself(
    live: Live, cid: UUID, turn: UUID, client: Redis | RedisCluster
) -> None:
    await live.watch(cid, "a=")
    await live.stop(cid, turn)
    await live.append(cid, turn, 1, 0, ["x"])
    keys = await keys_of(client)
    assert len(keys) == 5
    assert all([await client.ttl(key) > 0 for key in keys])

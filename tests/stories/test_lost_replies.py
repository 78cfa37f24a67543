"""The connection is cut after COMMIT and before the reply: nobody was told, and it was done."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from tests.stories.world import World


async def test_the_reply_to_a_message_is_lost_and_the_statement_finds_its_own_row(
    world: World,
) -> None:
    tab = await world.tab()
    world.postgres.losing_replies = 1
    ack = await tab.say("Hello")
    assert world.postgres.lost_replies == 1
    assert (ack["type"], ack["seq"], ack["durable"]) == ("ack", 1, True)
    await world.work()
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]


async def test_every_reply_to_a_message_is_lost_and_it_is_kept_once_all_the_same(
    world: World,
) -> None:
    tab, client = await world.tab(), uuid4()
    world.postgres.losing_replies = 2
    ack = await tab.say("Hello", id=client)
    assert world.postgres.lost_replies == 2
    assert (ack["seq"], ack["durable"]) == (None, False)
    assert [row["text"] for row in await world.rows(tab.cid)] == ["Hello"]  # nobody was told
    await world.outage_is_over()
    again = await tab.say("Hello", id=client)
    assert (again["seq"], again["dup"], again["durable"]) == (1, True, True)
    committed = tab.told("committed")[0]
    assert (committed["message_id"], committed["seq"]) == (ack["message_id"], 1)
    assert committed["replaced"] is True  # the row has the id it got first
    await world.work()
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]
    assert tab.transcript() == [(1, "Hello"), (2, "Hello there.")]


async def test_the_reply_to_begin_is_lost_and_the_worker_finds_its_own_claim(world: World) -> None:
    tab = await world.tab()
    await tab.say()
    world.postgres.losing_replies = 1
    await world.work()
    assert world.postgres.lost_replies == 1
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]
    assert len(tab.told("done")) == 1


async def test_the_reply_to_end_is_lost_and_the_answer_is_there_once(world: World) -> None:
    tab = await world.tab()
    await tab.say()
    await world.turn_until_its_end(world.events.queued.pop(0))
    world.postgres.losing_replies = 1
    await world.let_it_end()
    assert world.postgres.lost_replies == 1
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]
    assert [frame["seq"] for frame in tab.told("done")] == [2]


async def test_every_reply_to_end_is_lost_and_the_answer_put_by_is_absorbed(world: World) -> None:
    tab = await world.tab()
    await tab.say()
    await world.turn_until_its_end(world.events.queued.pop(0))
    world.postgres.losing_replies = 2
    await world.let_it_end()
    assert world.postgres.lost_replies == 2
    assert [frame["durable"] for frame in tab.told("done")] == [False]
    await world.outage_is_over()
    await tab.resume(0)
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]
    done, committed = tab.told("done")[0], tab.told("committed")[0]
    assert (committed["message_id"], committed["seq"]) == (done["message_id"], 2)
    assert "replaced" not in committed
    assert tab.transcript() == [(1, "Hello"), (2, "Hello there.")]


async def test_a_reply_of_redis_that_is_lost_is_asked_for_again_and_changes_nothing(
    world: World,
) -> None:
    tab = await world.tab()
    for n in range(5):
        world.redis.losing_replies = 1
        ack = await tab.say(f"Hello {n}")
        assert ack["durable"]
        await world.work()
    rows = await world.rows(tab.cid)
    assert [row["seq"] for row in rows] == list(range(1, 11))
    assert [m.seq for m in (await tab.parts.recent.read(tab.cid)).messages] in (
        list(range(1, 11)),
        [],
    )

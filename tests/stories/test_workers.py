"""Workers that die, stop, wake twice, or meet: one answer, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.stories.world import World


async def test_a_worker_is_killed_in_mid_turn_and_another_begins_anew(world: World) -> None:
    tab = await world.tab()
    await tab.say()
    first = await world.turn_speaks(world.events.queued.pop(0))
    await tab.hears("delta")
    await world.kill(first)
    await world.lease_runs_out(tab.cid)
    sync = await tab.resume(1, **tab.heard())
    assert sync["messages"] == []
    world.words.gate = None
    await world.work()
    deltas, done = tab.told("delta"), tab.told("done")
    assert deltas[-1]["gen"] > deltas[0]["gen"]  # the text starts anew
    assert [frame["gen"] for frame in done] == [deltas[-1]["gen"]]
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]
    assert tab.transcript() == [(1, "Hello"), (2, "Hello there.")]


async def test_a_worker_stopped_past_its_lease_and_continued_writes_nothing(world: World) -> None:
    tab = await world.tab()
    await tab.say()
    event = world.events.queued.pop(0)
    stopped = await world.turn_until_its_end(event)
    await world.lease_runs_out(tab.cid)
    await tab.resume(1)
    gate, world.words.gate = world.words.gate, None
    await world.work()  # somebody else answers
    world.words.gate = gate
    await world.let_it_end()  # and the first one wakes up
    assert stopped.done()
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]
    assert len(tab.told("done")) == 1


async def test_one_event_delivered_twice_at_once_makes_one_answer(world: World) -> None:
    for round_ in range(20):
        tab = await world.tab()
        await tab.say(f"round {round_}")
        event = world.events.queued.pop(0)
        await asyncio.gather(*(world.turn(event) for _ in range(3)))
        assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]
        assert len(tab.told("done")) == 1


async def test_a_message_that_comes_while_a_turn_ends_is_answered(world: World) -> None:
    """Whether it is seen by the end or takes the next turn itself is the lock's to say."""
    tab, other = await world.tab(), world.process()
    world.words.words = ("Yes.",)
    for round_ in range(30):
        tab.parts = other if round_ % 2 else tab.parts
        await tab.say(f"first {round_}")
        event = world.events.queued.pop(0)
        await asyncio.gather(world.turn(event), tab.say(f"second {round_}"))
        await world.work()
        waiting = await world.sql(
            "SELECT turn_id, last_input_seq - answered_through FROM conversations WHERE id = $1",
            tab.cid,
        )
        assert [tuple(row) for row in waiting] == [(None, 0)]
    rows = await world.rows(tab.cid)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["text"] for row in rows if row["role"] == "user"] == [
        f"{which} {n}" for n in range(30) for which in ("first", "second")
    ]
    covered = [
        s
        for row in rows
        if row["role"] == "assistant"
        for s in range(row["answers_from"], row["answers_through"] + 1)
    ]
    assert len(covered) == len(set(covered))


async def test_two_tabs_speak_at_the_same_instant(world: World) -> None:
    one = await world.tab()
    two = await world.tab(cid=one.cid)
    acks = await asyncio.gather(one.say("from one"), two.say("from two"))
    assert sorted(ack["seq"] for ack in acks) == [1, 2]
    await world.work()
    rows = await world.rows(one.cid)
    assert [row["role"] for row in rows][:2] == ["user", "user"]
    assert one.transcript() == two.transcript() == [(r["seq"], r["text"]) for r in rows]


async def test_a_turn_that_kills_every_worker_ends_with_a_row_that_says_so(world: World) -> None:
    tab = await world.tab()
    await tab.say("poison")
    for _ in range(3):
        await world.kill(await world.turn_speaks(world.events.queued.pop(0)))
        await world.lease_runs_out(tab.cid)
        await tab.resume(1)
    rows = await world.rows(tab.cid)
    assert [(row["role"], row["status"]) for row in rows] == [
        ("user", "complete"),
        ("assistant", "error"),
    ]
    assert world.events.queued == []
    world.words.gate = None
    await tab.say("and now?")
    await world.work()
    assert [row["status"] for row in await world.rows(tab.cid)][-1] == "complete"


async def test_the_model_fails_and_the_turn_ends_with_an_error_that_can_be_retried(
    world: World,
) -> None:
    from cj.errors import ModelUnavailable

    tab = await world.tab()
    world.words.words = ("Let me ", ModelUnavailable())
    await tab.say()
    await world.work()
    assert [f["code"] for f in tab.told("error")] == ["model_unavailable"]
    assert [f["status"] for f in tab.told("done")] == ["error"]
    world.words.words = ("Now it works.",)
    failed = tab.told("done")[0]["message_id"]
    ack = await tab.send("retry", cid=tab.cid, of=failed)
    assert ack["type"] == "ack"
    await world.work()
    assert [row["text"] for row in await world.rows(tab.cid)][-1] == "Now it works."


@pytest.mark.parametrize("words", [(), ("So far ",)])
async def test_at_its_deadline_a_turn_ends_interrupted_with_what_it_has(
    world: World, words: tuple[str, ...]
) -> None:
    tab = await world.tab()
    world.words.words = (*words, "never")
    world.words.gate = asyncio.Semaphore(len(words))
    await tab.say()
    await world.work(turn_deadline_s=0.3)
    answer = (await world.rows(tab.cid))[-1]
    assert (answer["text"], answer["status"]) == ("".join(words), "interrupted")
    assert [f["status"] for f in tab.told("done")] == ["interrupted"]


async def test_the_owner_changes_in_mid_turn_and_the_answer_is_kept(world: World) -> None:
    """As a sign-in does, which takes the anonymous conversations over."""
    before = await world.tab()
    await before.say()
    await world.turn_until_its_end(world.events.queued.pop(0))
    signed_in = f"anon_{'c1' * 16}"
    await world.sql("UPDATE conversations SET owner_id = $2 WHERE id = $1", before.cid, signed_in)
    await before.parts.recent.forget(before.cid)
    await before.parts.live.forget_conversation(before.cid)
    after = await world.tab(owner=signed_in, cid=before.cid)
    await world.let_it_end()
    assert [row["role"] for row in await world.rows(before.cid)] == ["user", "assistant"]
    assert after.transcript() == [(1, "Hello"), (2, "Hello there.")]
    assert (await before.resume(0))["code"] == "not_found"
    cached = await after.parts.recent.read(after.cid)
    assert cached is not None
    assert cached.owner_id == signed_in  # the worker knew the owner from before
    await world.postgres.refuse()
    assert (await after.say("during"))["durable"] is False

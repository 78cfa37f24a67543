"""Stop from any tab, and resume at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.stories.conftest import BOTH

if TYPE_CHECKING:
    from tests.stories.world import World


@pytest.mark.parametrize("said", [0, 1])
async def test_another_tab_stops_the_turn_before_and_after_its_first_text(
    world: World, said: int
) -> None:
    one = await world.tab()
    two = await world.tab(cid=one.cid)
    ack = await one.say()
    running = await world.turn_speaks(world.events.queued.pop(0), first_words=said)
    stop = await two.send("stop", cid=one.cid, turn=ack["turn"])
    assert (stop["type"], stop["dup"]) == ("ack", False)
    await running
    answer = (await world.rows(one.cid))[-1]
    assert (answer["text"], answer["status"]) == ("Hello " * said, "stopped")
    assert [f["status"] for f in one.told("done")] == ["stopped"]
    again = await two.send("stop", cid=one.cid, turn=ack["turn"])
    assert (again["type"], again["dup"]) == ("ack", True)
    world.words.gate = None
    await one.say("and now?")
    await world.work()
    assert (await world.rows(one.cid))[-1]["status"] == "complete"
    assert all(message.text for message in world.words.windows[-1])  # wordless ones are left out


@BOTH
async def test_a_stop_before_any_worker_began_is_seen_by_the_one_that_does(world: World) -> None:
    tab = await world.tab()
    ack = await tab.say()
    await tab.send("stop", cid=tab.cid, turn=ack["turn"])
    await world.work()
    assert [(r["role"], r["status"]) for r in await world.rows(tab.cid)][1:] == [
        ("assistant", "stopped")
    ]


async def test_a_stop_reaches_the_worker_without_redis(world: World) -> None:
    world.lease_s = 0.4
    tab = await world.tab()
    ack = await tab.say()
    await world.redis.refuse()
    running = await world.turn_speaks(world.events.queued.pop(0))
    await tab.send("stop", cid=tab.cid, turn=ack["turn"])
    await running
    assert (await world.rows(tab.cid))[-1]["status"] == "stopped"


@BOTH
async def test_a_turn_is_stopped_while_postgresql_is_away(world: World) -> None:
    tab = await world.tab()
    await world.postgres.refuse()
    await tab.say()
    running = await world.turn_speaks(world.events.queued.pop(0))
    turn = (await tab.hears("delta"))["turn"]
    stop = await tab.send("stop", cid=tab.cid, turn=turn)
    assert stop["type"] == "ack"
    await running
    assert [(f["status"], f["durable"]) for f in tab.told("done")] == [("stopped", False)]


async def test_what_waits_behind_a_stopped_turn_is_answered(world: World) -> None:
    tab = await world.tab()
    ack = await tab.say("first")
    running = await world.turn_speaks(world.events.queued.pop(0))
    await tab.say("second")
    await tab.send("stop", cid=tab.cid, turn=ack["turn"])
    await running
    world.words.gate = None
    await world.work()
    assert [(r["role"], r["status"]) for r in await world.rows(tab.cid)] == [
        ("user", "complete"),
        ("user", "complete"),
        ("assistant", "stopped"),
        ("assistant", "complete"),
    ]


async def test_nobody_stops_a_foreign_turn(world: World) -> None:
    theirs = await world.tab(owner=f"anon_{uuid4().hex}")
    ack = await theirs.say()
    running = await world.turn_speaks(world.events.queued.pop(0))
    mine = await world.tab()
    refused = await mine.send("stop", cid=theirs.cid, turn=ack["turn"])
    missing = await mine.send("stop", cid=uuid4(), turn=ack["turn"])
    assert refused["code"] == missing["code"] == "not_found"
    await world.let_it_end()
    await running
    assert (await world.rows(theirs.cid))[-1]["status"] == "complete"


@BOTH
async def test_resume_at_every_chunk_boundary_gives_exactly_what_is_missing(world: World) -> None:
    tab = await world.tab()
    world.words.words = tuple(f"word{n} " for n in range(8))
    await tab.say()
    await world.turn_speaks(world.events.queued.pop(0))
    assert world.words.gate is not None
    for said in range(1, 8):
        delta = await tab.hears("delta", said)
        for held in range(said + 1):
            sync = await tab.resume(1, turn=delta["turn"], gen=delta["gen"], i=held)
            assert sync["recovered"] is True
            told = sync["turn"]
            assert (told["from"], told["i"]) == (held, said)
            assert told["text"] == "".join(world.words.words[held:said])
        world.words.gate.release()
    await tab.hears("delta", 8)
    last = tab.told("delta")[-1]
    await world.let_it_end()
    sync = await tab.resume(1, turn=last["turn"], gen=last["gen"], i=3)
    assert "turn" not in sync
    assert [(m["seq"], m["text"]) for m in sync["messages"]] == [(2, "".join(world.words.words))]


async def test_chunks_that_do_not_fit_into_the_frame_follow_as_deltas(world: World) -> None:
    tab = await world.tab()
    await world.furnish(tab.cid, rows=15, chars=1_800)
    world.words.words = tuple("é" * 1_100 for _ in range(8))
    await tab.say()
    await world.turn_speaks(world.events.queued.pop(0))
    for said in range(1, 7):
        await tab.hears("delta", said)
        await world.let_it_speak(1)
    await tab.hears("delta", 7)
    late = await world.tab(cid=tab.cid)
    turn = late.told("ready")[0]["turn"]
    await late.hears("delta")
    replayed = [frame for frame in late.told("delta") if frame["i"] < 7]
    assert (turn["i"] + len(replayed), turn["i"] < 7) == (7, True)
    assert [frame["i"] for frame in replayed] == list(range(turn["i"], turn["i"] + len(replayed)))
    await world.let_it_end()
    assert late.transcript()[-2:] == [(16, "Hello"), (17, "é" * 8_800)]


async def test_a_chunk_log_that_is_lost_is_said_and_the_final_message_replaces_it(
    world: World,
) -> None:
    tab = await world.tab()
    await tab.say()
    await world.turn_speaks(world.events.queued.pop(0))
    delta = await tab.hears("delta")
    await world.flush()
    sync = await tab.resume(1, turn=delta["turn"], gen=delta["gen"], i=1)
    assert sync["recovered"] is False
    await world.let_it_end()
    assert tab.transcript() == [(1, "Hello"), (2, "Hello there.")]


async def test_more_than_200_missed_messages_come_page_by_page(world: World) -> None:
    tab = await world.tab()
    await world.furnish(tab.cid, rows=450, chars=500)
    seen, after, pages = [], 0, 0
    while True:
        sync = await tab.resume(after)
        seen += [m["seq"] for m in sync["messages"]]
        after, pages = seen[-1], pages + 1
        if not sync["more"]:
            break
    assert seen == list(range(1, 451))
    assert pages >= 3

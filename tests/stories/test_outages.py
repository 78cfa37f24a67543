"""PostgreSQL goes away under open chats, and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from tests.stories.conftest import BOTH

if TYPE_CHECKING:
    from tests.stories.world import Tab, World


def order(tab: Tab) -> list[str]:
    return [text for _, text in tab.transcript()]


@BOTH
async def test_postgresql_dies_in_mid_turn_and_the_chat_goes_on_and_nothing_is_lost(
    world: World,
) -> None:
    tab = await world.tab()
    other = await world.tab(cid=tab.cid)
    await tab.say("before")
    await world.turn_until_its_end(world.events.queued.pop(0))
    await world.postgres.refuse()
    first, second = uuid4(), uuid4()
    acks = [await tab.say("during 1", id=first), await tab.say("during 2", id=second, prev=first)]
    assert [(ack["seq"], ack["durable"]) for ack in acks] == [(None, False)] * 2
    assert [frame["durable"] for frame in other.told("message")[-2:]] == [False, False]
    await world.let_it_end()
    world.words.gate = None
    await world.work()
    assert [frame["durable"] for frame in tab.told("done")] == [False, False]
    assert tab.told("done")[1]["answers"] == [str(first), str(second)]
    assert [row["text"] for row in await world.rows(tab.cid)] == ["before"]

    await world.outage_is_over()
    assert (await tab.say("after", prev=second))["seq"] == 6
    await world.work()
    committed = {frame["message_id"]: frame["seq"] for frame in tab.told("committed")}
    assert [committed[ack["message_id"]] for ack in acks] == [2, 3]
    assert [committed[frame["message_id"]] for frame in tab.told("done")[:2]] == [4, 5]
    assert other.told("committed") == tab.told("committed")
    rows = await world.rows(tab.cid)
    assert [(row["text"], row["answers_from"], row["answers_through"]) for row in rows] == [
        ("before", None, None),
        ("during 1", None, None),
        ("during 2", None, None),
        ("Hello there.", 1, 1),
        ("Hello there.", 2, 3),
        ("after", None, None),
        ("Hello there.", 4, 6),
    ]


@BOTH
async def test_a_page_that_comes_back_during_the_outage_sees_everything(world: World) -> None:
    tab = await world.tab()
    await tab.say("saved")
    await world.work()
    await world.postgres.refuse()
    await tab.say("not saved")
    await world.work()
    ready = await tab.start(tab.cid)
    assert ready["degraded"] == ["postgres"]
    assert [m["text"] for m in ready["messages"]] == ["saved", "Hello there."]
    assert [(m["role"], m["text"], m["seq"]) for m in ready["unsaved"]] == [
        ("user", "not saved", None),
        ("assistant", "Hello there.", None),
    ]
    sync = await tab.resume(1)
    assert [m["seq"] for m in sync["messages"]] == [2]
    assert len(sync["unsaved"]) == 2


async def test_what_was_durable_and_unanswered_is_answered_during_the_outage(world: World) -> None:
    tab = await world.tab()
    await tab.say("durable, and then PostgreSQL is gone")
    await world.postgres.refuse()
    await world.work()  # the worker that was woken for it
    assert [frame["durable"] for frame in tab.told("done")] == [False]
    await world.outage_is_over()
    await tab.resume(1)
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]
    await world.work()
    assert len(await world.rows(tab.cid)) == 2  # nobody answers it again


@BOTH
async def test_offered_twice_during_the_outage_is_kept_once(world: World) -> None:
    tab, client = await world.tab(), uuid4()
    await world.postgres.refuse()
    acks = [await tab.say("once", id=client) for _ in range(3)]
    assert [ack["dup"] for ack in acks] == [False, True, True]
    assert len({ack["message_id"] for ack in acks}) == 1
    conflict = await tab.say("something else", id=client)
    assert (conflict["type"], conflict["code"]) == ("error", "id_conflict")
    await world.work()
    await world.outage_is_over()
    await tab.resume(0)
    assert [row["text"] for row in await world.rows(tab.cid)] == ["once", "Hello there."]


async def test_a_message_out_of_order_is_refused_during_the_outage_too(world: World) -> None:
    tab = await world.tab()
    await world.postgres.refuse()
    refused = await tab.say("second", prev=uuid4())
    assert (refused["code"], refused["retryable"]) == ("out_of_order", True)


async def test_nothing_new_is_opened_and_nothing_rewritten_during_the_outage(world: World) -> None:
    tab = await world.tab()
    await tab.say()
    await world.work()
    mine = tab.told("ack")[0]["message_id"]
    await world.postgres.refuse()
    answers = [await tab.start(), await tab.send("retry", cid=tab.cid, of=mine, text="better")]
    assert [(a["code"], a["retryable"]) for a in answers] == [("storage_degraded", True)] * 2


async def test_somebody_elses_conversation_is_as_far_away_as_a_missing_one(world: World) -> None:
    theirs = await world.tab(owner=f"anon_{uuid4().hex}")
    mine = await world.tab()
    await world.postgres.refuse()
    for send in (mine.start, mine.resume, mine.say):
        frames = []
        for cid in (theirs.cid, uuid4()):
            mine.cid = cid
            asked = {"start": (cid,), "resume": (0,), "say": ("Hello",)}[send.__name__]
            frames.append(await send(*asked))
        assert [(f["type"], f["code"]) for f in frames] == [("error", "unavailable")] * 2
    assert theirs.told("message") == []


@BOTH
async def test_a_degraded_turn_speaks_while_postgresql_comes_back(world: World) -> None:
    """They exclude each other: new messages wait in Redis until the degraded turn is over."""
    tab = await world.tab()
    await world.postgres.refuse()
    await tab.say("during")
    await world.turn_until_its_end(world.events.queued.pop(0))
    await world.outage_is_over()
    ack = await tab.say("meanwhile", prev=tab.told("ack")[0]["re"])
    assert (ack["seq"], ack["durable"]) == (None, False)
    await world.outage_is_over()
    ready = await tab.start(tab.cid)
    assert ready["degraded"] == []
    assert [m["text"] for m in ready["unsaved"]] == ["during", "meanwhile"]
    assert ready["turn"]["text"] == "Hello "
    await world.let_it_end()
    world.words.gate = None
    await world.work()
    rows = await world.rows(tab.cid)
    assert [row["text"] for row in rows if row["role"] == "user"] == ["during", "meanwhile"]
    answers = [row for row in rows if row["role"] == "assistant"]
    assert [(a["answers_from"], a["answers_through"]) for a in answers] in (
        [(1, 1), (2, 2)],
        [(1, 1), (2, 3)],
        [(1, 1), (3, 3)],
    )
    assert len(tab.told("done")) == 2


async def test_a_normal_turn_speaks_and_a_degraded_worker_keeps_out(world: World) -> None:
    tab = await world.tab()
    await tab.say("before")
    await world.turn_until_its_end(world.events.queued.pop(0))
    await world.postgres.refuse()
    await tab.say("during")
    gate, world.words.gate = world.words.gate, None
    await world.work()  # whoever was woken for it finds that somebody speaks
    assert tab.told("done") == []
    world.words.gate = gate
    await world.let_it_end()
    world.words.gate = None
    await world.work()
    await world.outage_is_over()
    await tab.resume(0)
    rows = await world.rows(tab.cid)
    assert [(row["role"], row["answers_through"]) for row in rows] == [
        ("user", None),
        ("user", None),
        ("assistant", 1),
        ("assistant", 2),
    ]


async def test_a_read_only_primary_counts_as_an_outage(world: World) -> None:
    tab = await world.tab()
    name = world.database_url.rsplit("/", 1)[1].partition("?")[0]
    await world.as_superuser(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    world.postgres.cut()  # a failover ends connections
    ack = await tab.say("during")
    assert ack["durable"] is False
    await world.work()
    await world.as_superuser(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    world.postgres.cut()
    await world.outage_is_over()
    await tab.resume(0)
    assert [row["text"] for row in await world.rows(tab.cid)] == ["during", "Hello there."]


async def test_a_database_with_no_time_is_no_outage(world: World) -> None:
    tab = await world.tab()
    async with world.holding_the_lock(tab.cid):
        refused = await tab.say("Hello")
        assert (refused["code"], refused["retryable"]) == ("unavailable", True)
        assert not await tab.parts.outage.known()
    ack = await tab.say("Hello")
    assert ack["durable"]


async def test_500_messages_fit_into_a_buffer_and_no_more(world: World) -> None:
    tab = await world.tab()
    tab.parts = world.process(limit_waiting=1000)
    tab.parts.outage.try_s = tab.parts.outage.look_s = 60
    await world.postgres.refuse()
    acks = [await tab.say(f"{n}") for n in range(501)]
    assert [ack["type"] for ack in acks[:500]] == ["ack"] * 500
    assert (acks[500]["code"], acks[500]["retryable"]) == ("overloaded", True)
    await world.outage_is_over()
    tab.parts = world.process()
    await tab.resume(0)
    rows = await world.rows(tab.cid)
    assert [row["text"] for row in rows] == [f"{n}" for n in range(500)]


async def test_more_wake_ups_than_work_are_no_failed_attempts(world: World) -> None:
    tab = await world.tab()
    await world.postgres.refuse()
    for n in range(5):
        await tab.say(f"burst {n}")
    assert len(world.events.queued) == 5
    await world.work()
    for n in range(3):
        await tab.say(f"later {n}")
        await world.work()
    assert [len(frame["answers"]) for frame in tab.told("done")] == [5, 1, 1, 1]


async def test_nobody_touches_or_learns_of_somebody_elses_buffer(world: World) -> None:
    theirs = await world.tab(owner=f"anon_{uuid4().hex}")
    await world.postgres.refuse()
    await theirs.say("during")
    await world.turn_until_its_end(world.events.queued.pop(0))
    await world.outage_is_over()
    mine = await world.tab()
    for cid in (theirs.cid, uuid4()):
        mine.cid = cid
        answers = [await mine.say(), await mine.start(cid), await mine.resume(0)]
        assert [answer["code"] for answer in answers] == ["not_found"] * 3
    assert await world.rows(theirs.cid) == []
    await world.let_it_end()

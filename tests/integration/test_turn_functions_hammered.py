"""The turn functions under load and faults: nothing lost, doubled, reordered, left unanswered."""

from __future__ import annotations

import time
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

import pytest
from cj.domain.ids import new_id
from cj.store import Database

from tests.integration.chatroom import Room
from tests.integration.hammer import Hammer, Load
from tests.integration.statements import sql
from tests.seeds import SEEDS

if TYPE_CHECKING:
    from tests.conftest import Database as Made

SMALL = Load(rooms=2, people=2, messages=5)

# What a run must have met, or it proved nothing of it.
EVERYTHING = (
    *("message new", "message dup", "message out_of_order"),
    *("regenerate new", "regenerate busy", "edit new", "edit busy"),
    *("stop stopping", "stop over", "turn complete", "turn stopped", "turn refused"),
    *("input drained", "input replaced", "answer drained", "answer replaced"),
)

# What receive would be as one plain statement. It reads the snapshot from before the wait for the
# lock: a duplicate that has just been committed is not seen.
PLAIN_RECEIVE = """
CREATE OR REPLACE FUNCTION chat_receive_v2(p_cid uuid, p_owner text, p_id uuid, p_client uuid,
    p_prev uuid, p_text text, p_title text, p_of uuid, p_control text, p_supersedes_from int,
    p_turn uuid, p_lease interval, p_max_waiting int,
    OUT o_outcome text, OUT o_seq int, OUT o_message_id uuid, OUT o_created_at timestamptz,
    OUT o_control text, OUT o_supersedes_from int, OUT o_turn uuid, OUT o_fence bigint,
    OUT o_invoke boolean, OUT o_ended json, OUT o_workflow_name text, OUT o_connections text[])
LANGUAGE sql SET search_path = public, pg_temp AS $$
    WITH dup AS (
        SELECT seq, id, created_at FROM messages
         WHERE conversation_id = p_cid AND client_id = p_client
    ), taken AS (
        UPDATE conversations SET last_seq = last_seq + 1, last_input_seq = last_seq + 1,
               turn_id = coalesce(turn_id, p_turn),
               turn_fence = turn_fence + (turn_id IS NULL)::int,
               turn_until = coalesce(turn_until, clock_timestamp() + p_lease)
         WHERE id = p_cid AND owner_id = p_owner AND NOT EXISTS (SELECT FROM dup)
           AND (p_prev IS NULL OR EXISTS (SELECT FROM messages
                WHERE conversation_id = p_cid AND client_id = p_prev))
        RETURNING last_seq, turn_id, turn_fence
    ), written AS (
        INSERT INTO messages (conversation_id, seq, id, client_id, role, text)
        SELECT p_cid, last_seq, p_id, p_client, 'user', p_text FROM taken
        ON CONFLICT DO NOTHING
    )
    SELECT CASE WHEN t.last_seq IS NOT NULL THEN 'new' WHEN d.seq IS NOT NULL THEN 'dup'
                ELSE 'out_of_order' END,
           coalesce(t.last_seq, d.seq), coalesce(d.id, p_id),
           coalesce(d.created_at, clock_timestamp()), NULL, NULL::int, t.turn_id, t.turn_fence,
           coalesce(t.turn_id = p_turn, false), NULL::json, 'w', '{}'::text[]
      FROM (VALUES (1)) one(x) LEFT JOIN taken t ON true LEFT JOIN dup d ON true
$$
"""


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_doubled_reordered_or_left_unanswered(
    shared_url: str, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    hammer = Hammer(shared_url, seed, Load())
    started = time.monotonic()
    assert await hammer.run() == []
    took_s = time.monotonic() - started
    said = sum(len(mine) for talk in hammer.talks for mine in talk.history.said)
    seen = ", ".join(f"{count} {what}" for what, count in sorted(hammer.seen.items()))
    with capsys.disabled():
        print(f"\nseed {seed}: {said} messages in {took_s:.1f} s: {seen}")  # noqa: T201
    assert said >= 2_000
    assert [what for what in EVERYTHING if not hammer.seen[what]] == []


@pytest.mark.parametrize("seed", SEEDS)
async def test_when_workers_die_every_message_is_answered_once_all_the_same(
    shared_url: str, seed: int
) -> None:
    load = Load(rooms=6, messages=20, dying=0.05, lease=timedelta(seconds=0.5))
    assert await Hammer(shared_url, seed, load).run() == []


async def test_the_checker_catches_a_receive_made_of_one_plain_statement(database: Made) -> None:
    owner = Database(database.owner_url)
    await owner.execute(sql(PLAIN_RECEIVE))
    await owner.close()
    load = Load(rooms=4, messages=20, retried=0, stopped=0, kept=0, patience_s=10)
    faults = await Hammer(database.app_url, 1, load).run()
    assert "seq has a gap" in faults


@pytest.mark.parametrize(
    ("function", "right", "wrong", "fault"),
    [
        (
            *("chat_drain_v1", "NOT judged.o_counts", "judged.o_through IS NULL"),
            "a message has two answers",
        ),
        ("chat_drain_v1", "c.turn_id := NULL;", "", "a message has two answers"),
        ("chat_drain_v1", "BY i.place", "BY i.place DESC", "a person's own order broke"),
        ("chat_begin_turn_v2", "last_seq, turn_stop", "last_seq, false", "a stop was not seen"),
        (
            *("chat_stop_v1", "running IS DISTINCT FROM p_turn", "running IS NULL"),
            "a turn was stopped that nobody stopped",
        ),
        (
            *("chat_close_turn_v1", "turn_stop = false", "turn_stop = turn_stop"),
            "a stop outlived its turn",
        ),
    ],
)
async def test_the_checker_catches_this_defect(
    database: Made, function: str, right: str, wrong: str, fault: str
) -> None:
    owner = Database(database.owner_url)
    definition = await owner.row(sql(f"SELECT pg_get_functiondef('{function}'::regproc)"))
    assert right in definition[0]
    await owner.execute(sql(definition[0].replace(right, wrong)))
    await owner.close()
    load = Load(rooms=4, messages=12, kept=0.2, stopped=0.5)
    for seed in range(1, 21):  # one of them meets it, nearly always the first
        if fault in await Hammer(database.app_url, seed, load).run():
            return
    pytest.fail("nobody noticed")


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("DELETE FROM messages WHERE seq = 3", "seq has a gap"),
        (
            "DELETE FROM messages WHERE seq = (SELECT max(seq) FROM messages)",
            "last_seq is not the last seq",
        ),
        ("DELETE FROM messages WHERE role = 'user' AND seq = 1", "a message was lost"),
        (
            "UPDATE messages SET client_id = gen_random_uuid() WHERE seq = 1",
            "a message nobody said",
        ),
        ("UPDATE messages SET seq = 1000 - seq", "a person's own order broke"),
        ("UPDATE messages SET id = gen_random_uuid()", "an ack told of another row"),
        (
            "UPDATE messages SET answers_through = answers_from - 1",
            "a message has no answer",
        ),
        ("UPDATE messages SET answers_from = 1", "a message has two answers"),
        (
            "UPDATE messages SET turn_id = (SELECT turn_id FROM messages "
            "WHERE turn_id IS NOT NULL LIMIT 1) WHERE role = 'assistant'",
            "a turn answered twice",
        ),
        ("UPDATE messages SET answers_through = 900", "an answer came before its question"),
        (
            "UPDATE conversations SET turn_id = gen_random_uuid(), turn_until = now()",
            "a wake-up was lost: a turn is taken and nobody works on it",
        ),
    ],
)
async def test_the_checker_catches_this_damage(database: Made, damage: str, fault: str) -> None:
    hammer = Hammer(database.app_url, 1, SMALL)
    assert await hammer.run() == []
    db = Database(database.app_url)
    await db.execute(sql(damage))
    found = await hammer.faults(db)
    await db.close()
    assert fault in found


async def test_the_checker_catches_two_workers_in_one_turn(shared_url: str) -> None:
    hammer = Hammer(shared_url, 1, SMALL)
    await hammer.run()
    history = hammer.talks[0].history
    history.begun.append((new_id(), history.begun[0][1]))
    db = Database(shared_url)
    found = await hammer.faults(db)
    await db.close()
    assert found == ["two workers in one turn"]


async def test_the_price_of_receiving_is_printed_beside_a_bare_insert(
    db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """The limit: one statement that numbers a row and inserts it, and checks nothing."""
    bare = sql(
        "WITH c AS (UPDATE conversations SET last_seq = last_seq + 1, updated_at = "
        "clock_timestamp() WHERE id = $1 RETURNING last_seq) "
        "INSERT INTO messages (conversation_id, seq, id, client_id, role, text) "
        "SELECT $1, last_seq, $2, $3, 'user', $4 FROM c RETURNING seq"
    )
    times: dict[str, list[float]] = {"bare": [], "receive": []}
    for _ in range(300):
        limit, ours = await Room(db).furnish(), await Room(db).furnish()
        await ours.say()
        started = time.perf_counter()
        await db.row(bare, limit.cid, new_id(), new_id(), "Hello")
        between = time.perf_counter()
        received = await ours.say()
        times["bare"].append(between - started)
        times["receive"].append(time.perf_counter() - between)
        assert received.outcome == "new"
    p50 = {name: median(taken) * 1e6 for name, taken in times.items()}
    ratio = p50["receive"] / p50["bare"]
    line = f"receive {p50['receive']:.0f} us, bare insert {p50['bare']:.0f} us: {ratio:.2f}"
    with capsys.disabled():
        print(f"\n{line}")  # noqa: T201

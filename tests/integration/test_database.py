"""The held connection: one, shared by turns, and never trusted too long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from cj.errors import StoreMisconfigured
from cj.store import Database, Turns

from tests.integration.chatroom import LEASE, Room, answered, said
from tests.integration.statements import BEGIN, COMMIT, ONE, SLEEP, pid, sleeping, sql

if TYPE_CHECKING:
    from local.servers.postgres import Postgres
    from tests.proxy import Proxy


async def test_one_connection_is_held_for_every_statement(db: Database) -> None:
    first = await pid(db)
    assert [await pid(db) for _ in range(10)] == [first] * 10


async def test_statements_at_once_take_turns_on_one_connection(db: Database) -> None:
    """The lease renewal meets the end of a turn: asyncpg alone would raise InterfaceError."""
    assert len({*await asyncio.gather(*(pid(db) for _ in range(20)))}) == 1


async def test_a_row_comes_with_its_names_and_no_row_as_none(db: Database) -> None:
    assert (await db.row(ONE))["one"] == 1
    assert await db.row(sql("SELECT 1 WHERE false")) is None
    assert [row[0] for row in await db.rows(sql("SELECT generate_series(1, 3)"))] == [1, 2, 3]


async def test_the_server_knows_the_connection_by_name(shared_url: str) -> None:
    db = Database(shared_url, application_name="cj-worker")
    row = await db.row(sql("SELECT current_setting('application_name'), current_user"))
    assert tuple(row) == ("cj-worker", "cj_app")
    await db.close()


@pytest.mark.parametrize("kind", ["json", "jsonb"])
async def test_json_goes_in_and_comes_out_as_values(db: Database, kind: str) -> None:
    value = {"a": [1, None, "é\n🙂"], "b": {"c": 1.5}}
    assert (await db.row(sql(f"SELECT $1::{kind}"), value))[0] == value


async def test_it_works_without_a_statement_cache(shared_url: str) -> None:
    db = Database(shared_url, statement_cache=0)
    assert [(await db.row(ONE))["one"] for _ in range(3)] == [1, 1, 1]
    await db.close()


async def test_after_a_close_the_next_statement_connects_again(db: Database) -> None:
    first = await pid(db)
    await db.close()
    await db.close()
    assert await pid(db) != first


@pytest.mark.parametrize("jump", [61, -1])
async def test_a_connection_idle_for_a_minute_by_the_wall_clock_is_not_trusted(
    shared_url: str, jump: float
) -> None:
    now = 1_000.0
    db = Database(shared_url, wall_clock=lambda: now)
    first = await pid(db)
    now += 59
    assert await pid(db) == first
    now += jump
    assert await pid(db) != first
    await db.close()


async def test_a_caller_that_leaves_leaves_a_good_connection(
    db: Database, watcher: Database
) -> None:
    first = await pid(db)
    caller = asyncio.create_task(db.row(SLEEP, 0.2))
    await sleeping(watcher, first)
    caller.cancel()
    assert await pid(db) == first
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_a_caller_that_leaves_a_hanging_statement_leaves_no_connection(
    far_db: Database, watcher: Database
) -> None:
    first = await pid(far_db)
    caller = asyncio.create_task(far_db.row(SLEEP, 3))
    await sleeping(watcher, first)
    caller.cancel()
    assert await pid(far_db) != first
    assert caller.cancelled()


async def test_a_superuser_is_refused_unless_allowed(postgres: Postgres) -> None:
    with pytest.raises(StoreMisconfigured, match="superuser; use the role cj_app"):
        await Database(postgres.superuser_url).row(ONE)
    allowed = Database(postgres.superuser_url, allow_superuser=True)
    assert (await allowed.row(ONE))["one"] == 1
    await allowed.close()


@pytest.mark.parametrize(("right", "wrong"), [("cj_app:", "cj_app:x"), ("/shared", "/no_such")])
async def test_a_wrong_password_or_database_is_a_setting_and_no_outage(
    shared_url: str, right: str, wrong: str
) -> None:
    with pytest.raises(StoreMisconfigured, match=r"DATABASE_URL: .* is wrong$"):
        await Database(shared_url.replace(right, wrong)).row(ONE)


async def test_a_mistake_of_ours_is_no_outage_and_costs_no_connection(db: Database) -> None:
    first = await pid(db)
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await db.row(sql("SELEKT"))
    with pytest.raises(asyncpg.DataError):
        await db.row(sql("SELECT $1::int"), "one")
    assert await pid(db) == first


async def test_every_turn_function_is_one_round_trip(far_db: Database, proxy: Proxy) -> None:
    room = await Room(far_db).furnish()
    await room.watched_by("tab=")
    turns, counts = Turns(far_db), []
    for _ in range(2):  # the first time prepares the statements
        before = proxy.round_trips
        received = await room.say()
        begun = await room.begin(received)
        await turns.renew(room.cid, received.turn, begun.fence, lease=LEASE)
        await room.stop(received.turn)
        ended = await room.end(received, begun)
        retry = await room.say(None, of=ended.message_id)
        kept = said()
        await room.drain(kept, answered(kept), said())
        await turns.dead(1, LEASE)
        await room.open("tab=", after_seq=ended.seq)
        await room.open("tab=", known=ended.seq)
        counts.append(proxy.round_trips - before)
        await room.end(retry, await room.begin(retry))
        await room.archive()
    assert counts[1] == 10


async def test_a_transaction_left_open_is_not_shared(db: Database, watcher: Database) -> None:
    """What the tests of the races rely on: BEGIN and COMMIT hold on one connection alone."""
    await db.execute(BEGIN)
    room = await Room(db).furnish()
    assert await room.seen_by(watcher).open() is None
    await db.execute(COMMIT)
    assert await room.seen_by(watcher).open() is not None

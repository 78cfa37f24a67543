"""The held connection, against a real server and everything that can happen on the way to it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import pytest
from cj.domain.ids import new_id
from cj.errors import StoreBusy, StoreMisconfigured, StoreUnavailable
from cj.store import Database
from cj.store.queries import Query

from local.servers.postgres import Postgres
from tests.integration.chatroom import BEGIN, COMMIT, Room, sql, until
from tests.integration.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from local.servers.found import Found
    from tests.conftest import Database as Made

PID = sql("SELECT pg_backend_pid()")
SLEEP = sql("SELECT pg_sleep($1)")
ONE = Query("one", "Gives one.", "SELECT 1 AS one", repeatable=True)


async def pid(db: Database) -> int:
    return (await db.row(PID))[0]


async def administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def through(url: str, proxy: Proxy) -> str:
    """The same address by way of the proxy."""
    return url.replace(f":{urlsplit(url).port}/", f":{proxy.port}/")


@pytest.fixture
async def proxy(shared_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(urlsplit(shared_url).port) as running:
        yield running


@pytest.fixture
async def far_db(shared_url: str, proxy: Proxy) -> AsyncIterator[Database]:
    """A database behind the proxy, with little patience."""
    made = Database(through(shared_url, proxy), command_timeout_s=0.5, connect_timeout_s=0.5)
    yield made
    await made.close()


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


async def test_a_connection_that_died_in_a_freeze_is_replaced_unnoticed(
    shared_url: str, postgres: Postgres
) -> None:
    now = 1_000.0
    db = Database(shared_url, wall_clock=lambda: now)
    first = await pid(db)
    kill = f"SELECT pg_terminate_backend({first}, 5000)"
    other_loop = asyncio.new_event_loop()
    killer = threading.Thread(
        target=other_loop.run_until_complete, args=(administer(postgres.superuser_url, kill),)
    )
    killer.start()
    killer.join()  # our own loop is frozen meanwhile: it cannot hear that the socket dies
    other_loop.close()
    now += 5
    assert await pid(db) != first
    await db.close()


async def test_a_repeatable_statement_survives_a_reset(far_db: Database, proxy: Proxy) -> None:
    await far_db.row(ONE)
    proxy.losing_replies = 1
    assert (await far_db.row(ONE))["one"] == 1
    assert proxy.accepted == 2


async def test_a_statement_is_repeated_once_and_no_more(far_db: Database, proxy: Proxy) -> None:
    await far_db.row(ONE)
    proxy.losing_replies = 100
    with pytest.raises(StoreUnavailable):
        await far_db.row(ONE)
    assert proxy.accepted == 2


async def test_what_is_not_repeatable_fails_on_a_reset_and_the_next_works(
    far_db: Database, proxy: Proxy
) -> None:
    await pid(far_db)
    proxy.losing_replies = 1
    with pytest.raises(StoreUnavailable):
        await pid(far_db)
    assert await pid(far_db)


async def test_a_receive_whose_reply_was_lost_after_commit_is_one_row(
    far_db: Database, proxy: Proxy
) -> None:
    room = await Room(far_db).furnish()
    client = new_id()
    proxy.losing_replies = 1
    received = await room.say(client=client)
    assert (received.outcome, received.seq, received.invoke) == ("dup", 1, True)
    assert [row["client_id"] for row in await room.rows()] == [client]


async def test_a_turn_whose_every_reply_was_lost_ends_as_if_none_had_been(
    far_db: Database, proxy: Proxy
) -> None:
    room = await Room(far_db).furnish()
    proxy.losing_replies = 1
    received = await room.say("A")
    proxy.losing_replies = 1
    begun = await room.begin(received)
    await room.say("B")
    proxy.losing_replies = 1
    ended = await room.end(received, begun)
    assert (begun.fence, ended.seq, ended.next_turn is not None) == (2, 3, True)
    assert len(await room.rows()) == 3


async def test_a_black_hole_is_busy_in_bounded_time_and_no_cancel_is_sent(
    far_db: Database, proxy: Proxy
) -> None:
    await far_db.row(ONE)
    proxy.silent = True
    async with asyncio.timeout(5):
        with pytest.raises(StoreBusy):
            await far_db.row(ONE)
    assert proxy.accepted == 1  # a cancel would have come on a second connection
    proxy.silent = False
    assert (await far_db.row(ONE))["one"] == 1


async def test_a_slow_statement_is_busy_and_its_late_answer_meets_nobody(far_db: Database) -> None:
    first = await pid(far_db)
    with pytest.raises(StoreBusy):
        await far_db.row(SLEEP, 2)
    assert await pid(far_db) != first


async def test_a_black_hole_at_connecting_is_an_outage(far_db: Database, proxy: Proxy) -> None:
    proxy.silent = True
    async with asyncio.timeout(5):
        with pytest.raises(StoreUnavailable):
            await far_db.row(ONE)


async def test_a_refused_connection_is_an_outage() -> None:
    with pytest.raises(StoreUnavailable):
        await Database("postgresql://cj_app:secret@127.0.0.1:1/cj").row(ONE)


async def test_a_url_that_asks_for_tls_is_never_answered_in_the_clear(shared_url: str) -> None:
    with pytest.raises(StoreUnavailable):
        await Database(f"{shared_url}?sslmode=require").row(ONE)


async def test_a_restart_of_the_server_is_an_outage_and_then_over(
    tmp_path_factory: pytest.TempPathFactory, server_folder: Path, postgres_found: Found
) -> None:
    server = Postgres(server_folder / "restarted", found=postgres_found, fsync=False)
    with server:
        async with Proxy(server.port) as proxy:
            db = Database(through(server.app_url, proxy))
            await db.row(ONE)
            await asyncio.to_thread(server.stop)
            with pytest.raises(StoreUnavailable):
                await db.row(ONE)
            await asyncio.to_thread(server.start)
            proxy.target = server.port
            assert (await db.row(ONE))["one"] == 1
            await db.close()


async def test_a_read_only_server_is_an_outage_until_it_is_not(
    database: Made, postgres: Postgres
) -> None:
    """As after a failover, on the connection to what was the primary."""
    db = Database(database.app_url)
    change = f"ALTER DATABASE {database.name} SET default_transaction_read_only ="
    await administer(postgres.superuser_url, f"{change} on")
    with pytest.raises(StoreUnavailable):
        await Room(db).furnish()
    await administer(postgres.superuser_url, f"{change} off")
    await Room(db).furnish()
    await db.close()


async def test_a_server_with_no_connection_left_is_busy_and_not_out(
    database: Made, postgres: Postgres
) -> None:
    limit = f"ALTER DATABASE {database.name} CONNECTION LIMIT 0"
    await administer(postgres.superuser_url, limit)
    with pytest.raises(StoreBusy):
        await Database(database.app_url).row(ONE)


async def test_a_statement_the_server_gave_up_is_busy_and_keeps_its_connection(
    db: Database,
) -> None:
    first = await pid(db)
    await db.execute(sql("SET statement_timeout = '50ms'"))
    with pytest.raises(StoreBusy):
        await db.row(SLEEP, 5)
    assert await pid(db) == first


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


async def sleeping(watcher: Database, process: int) -> None:
    asleep = sql("SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'")
    await until(lambda: watcher.row(asleep, process), "the statement to run")


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


async def test_an_outage_says_nothing_of_the_server(far_db: Database, proxy: Proxy) -> None:
    await pid(far_db)
    proxy.losing_replies = 1
    with pytest.raises(StoreUnavailable) as caught:
        await pid(far_db)
    assert str(caught.value) == "connection lost"
    assert caught.value.__cause__ is not None  # for the log
    assert "postgres" not in caught.value.message.lower()


async def test_every_turn_function_is_one_round_trip(far_db: Database, proxy: Proxy) -> None:
    room = await Room(far_db).furnish()
    await room.watched_by("tab=")
    ended = await room.exchange()  # the first time prepares the statements
    await room.open("tab=")
    before = proxy.round_trips
    received = await room.say()
    begun = await room.begin(received)
    ended = await room.end(received, begun)
    await room.open("tab=", after_seq=ended.seq)
    assert proxy.round_trips - before == 4


async def test_a_transaction_left_open_is_not_shared(db: Database, watcher: Database) -> None:
    """What the tests of the races rely on: BEGIN and COMMIT hold on one connection alone."""
    await db.execute(BEGIN)
    room = await Room(db).furnish()
    assert await room.seen_by(watcher).open() is None
    await db.execute(COMMIT)
    assert await room.seen_by(watcher).open() is not None

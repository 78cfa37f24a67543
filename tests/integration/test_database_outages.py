"""Everything that can happen on the way to a server, and what a caller is told."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from cj.domain.ids import new_id
from cj.errors import StoreBusy, StoreUnavailable
from cj.store import Database

from local.servers.postgres import Postgres
from tests.integration.chatroom import Room
from tests.integration.statements import ONE, SLEEP, administer, pid, sql
from tests.proxy import Proxy, through

if TYPE_CHECKING:
    from pathlib import Path

    from local.servers.found import Found
    from tests.conftest import Database as Made


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


async def test_a_connection_that_dies_between_look_and_use_is_lost_like_any_other(
    db: Database,
) -> None:
    await pid(db)
    asyncio.get_running_loop().call_soon(db._held.terminate)
    assert (await db.row(ONE))["one"] == 1
    asyncio.get_running_loop().call_soon(db._held.terminate)
    with pytest.raises(StoreUnavailable):
        await pid(db)


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
    server_folder: Path, postgres_found: Found
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


async def test_an_outage_says_nothing_of_the_server(far_db: Database, proxy: Proxy) -> None:
    await pid(far_db)
    proxy.losing_replies = 1
    with pytest.raises(StoreUnavailable) as caught:
        await pid(far_db)
    assert str(caught.value) == "connection lost"
    assert caught.value.__cause__ is not None  # for the log
    assert "postgres" not in caught.value.message.lower()

"""Statements of the tests' own, and waiting until the server has got somewhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
from cj.store.queries import Query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cj.store import Database


def sql(statement: str) -> Query:
    """A statement of the test's own."""
    return Query("test", "Whatever the test wants.", statement, repeatable=False)


BEGIN, COMMIT = sql("BEGIN"), sql("COMMIT")
PID = sql("SELECT pg_backend_pid()")
SLEEP = sql("SELECT pg_sleep($1)")
ONE = Query("one", "Gives one.", "SELECT 1 AS one", repeatable=True)


async def pid(db: Database) -> int:
    """The server's process behind the held connection: another one is another connection."""
    return (await db.row(PID))[0]


async def administer(url: str, statement: str) -> None:
    """On a connection of its own, as whoever the URL names."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def sleeping(watcher: Database, process: int) -> None:
    """Returns when that process runs SLEEP."""
    asleep = sql("SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'")
    await until(lambda: watcher.row(asleep, process), "the statement to run")


async def somebody_waits(watcher: Database, what: str = "a lock") -> None:
    """Returns when a statement in this database waits for a lock."""
    waiting = sql(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    await until(lambda: _count(watcher, waiting), what)


async def _count(watcher: Database, query: Query) -> int:
    row = await watcher.row(query)
    return row[0]


async def until(condition: Callable[[], Awaitable[object]], what: str) -> None:
    """Returns when the condition holds; fails the test when that takes ten seconds."""
    for _ in range(1_000):
        if await condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")

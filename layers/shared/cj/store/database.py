"""PostgreSQL through one held connection per process.

A sandbox runs one invocation at a time, is frozen in between, and thaws with a socket that may
have died meanwhile. What is done about it here was each time measured to matter.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import asyncpg

from cj.errors import StoreBusy, StoreMisconfigured, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from cj.store.queries import Query

T = TypeVar("T")
_PAUSE_S = 1  # a freeze may lie in it
_LOOPS = 8  # the last words, the end, its report: four rounds of the loop, a few more with TLS

# The server is going, coming, or no longer the primary; or the way to it broke.
_OUTAGE = (
    asyncpg.PostgresConnectionError,  # 08*
    asyncpg.OperatorInterventionError,  # 57P01 to 57P05; 57014 is caught before
    asyncpg.ReadOnlySQLTransactionError,  # 25006
    asyncpg.InsufficientResourcesError,  # 53*: disk or memory full; too many connections is _BUSY
    asyncpg.PostgresSystemError,  # 58*: its disk does not answer
    asyncpg.InternalServerError,  # XX*
    asyncpg.InternalClientError,  # the protocol out of step: a last word nobody waited for
    OSError,
)
# The server is there and has no time.
_BUSY = (
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UndefinedFunctionError,  # deployed, and about to be migrated
)
# The server is there and will not have us, however often we ask.
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ClientConfigurationError,
)


class Row(Protocol):
    """A row of a result: values by column name or position."""

    def __getitem__(self, key: str | int, /) -> Any: ...


class Database:
    """Runs named queries. Raises StoreUnavailable in an outage and StoreBusy when it takes long.

    Neither says what the server said; the cause is chained for the log.
    """

    def __init__(
        self,
        url: str,
        *,
        application_name: str = "cj",
        statement_cache: int = 100,
        command_timeout_s: float = 5,
        connect_timeout_s: float = 3,
        idle_s: float = 60,
        allow_superuser: bool = False,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._application_name = application_name
        self._statement_cache = statement_cache
        self._command_timeout_s = command_timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._idle_s = idle_s
        self._allow_superuser = allow_superuser
        self._wall_clock = wall_clock
        self._turn = asyncio.Lock()  # one statement at a time, and one connection ever made
        self._held: asyncpg.Connection | None = None
        self._used_at = 0.0

    async def row(self, query: Query, *args: object) -> Row | None:
        """The first row, or None."""
        return await self._run(query, lambda held: held.fetchrow(query.sql, *args))

    async def rows(self, query: Query, *args: object) -> list[Row]:
        """Every row."""
        return await self._run(query, lambda held: held.fetch(query.sql, *args))

    async def execute(self, query: Query, *args: object) -> None:
        """Runs a query whose rows nobody wants."""
        await self._run(query, lambda held: held.fetchrow(query.sql, *args))

    async def close(self) -> None:
        """Says goodbye to the server; the next query connects again."""
        async with self._turn:
            held, self._held = self._held, None
            if held is not None and not held.is_closed():
                with suppress(*_OUTAGE, asyncpg.InterfaceError, TimeoutError):
                    await held.close(timeout=1)

    async def _run(
        self, query: Query, send: Callable[[asyncpg.Connection], Coroutine[Any, Any, T]]
    ) -> T:
        async with self._turn:
            held = await self._connected()
            try:
                return await self._answer(held, send)
            except StoreUnavailable:
                if not query.repeatable:
                    raise
            return await self._answer(await self._connected(), send)

    async def _connected(self) -> asyncpg.Connection:
        """The held connection if it is good, else a new one. The caller has the turn."""
        held = self._held
        if held is not None:
            idle_s = self._wall_clock() - self._used_at  # monotonic clocks stand still in a freeze
            if not 0 <= idle_s < _PAUSE_S:
                await _hear(held)
            if not held.is_closed() and 0 <= idle_s <= self._idle_s:
                return held
            self._drop(held)
        self._held = await self._connect()
        self._used_at = self._wall_clock()
        return self._held

    async def _connect(self) -> asyncpg.Connection:
        try:
            held = await asyncpg.connect(
                self._url,
                timeout=self._connect_timeout_s,
                statement_cache_size=self._statement_cache,
                server_settings={"application_name": self._application_name},
            )
        except _BUSY as error:
            raise StoreBusy("connect") from error
        except _REFUSED as error:
            raise StoreMisconfigured("DATABASE_URL: user, password or database is wrong") from error
        except (*_OUTAGE, TimeoutError) as error:
            raise StoreUnavailable("connect") from error
        if held.get_settings().is_superuser == "on" and not self._allow_superuser:
            held.terminate()
            raise StoreMisconfigured("DATABASE_URL: connects as a superuser; use the role cj_app")
        for name in ("json", "jsonb"):
            await held.set_type_codec(
                name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads
            )
        return held

    async def _answer(
        self,
        held: asyncpg.Connection,
        send: Callable[[asyncpg.Connection], Coroutine[Any, Any, T]],
    ) -> T:
        """What the server answered in time. The caller has the turn."""
        statement = asyncio.ensure_future(send(held))
        statement.add_done_callback(_forget_outcome)
        await self._finish(held, statement)
        try:
            answer = statement.result()
        except _BUSY as error:
            raise StoreBusy("refused for now") from error
        except _OUTAGE as error:
            self._drop(held)
            raise StoreUnavailable("connection lost") from error
        except asyncpg.InterfaceError as error:  # also how asyncpg refuses a wrong argument
            if not held.is_closed():
                raise
            self._drop(held)
            raise StoreUnavailable("connection closed") from error
        self._used_at = self._wall_clock()
        return answer

    async def _finish(self, held: asyncpg.Connection, statement: asyncio.Future[Any]) -> None:
        """Waits for the statement. One that takes too long loses its connection: to cancel it
        would take a second one, and its late answer must not meet the next statement.
        """
        try:
            await asyncio.wait({statement}, timeout=self._command_timeout_s)
        except asyncio.CancelledError:
            # Our caller leaves; the statement is a moment from its end and the connection good.
            await asyncio.wait({statement}, timeout=self._command_timeout_s)
            raise
        finally:
            if not statement.done():
                self._drop(held)
        if not statement.done():
            raise StoreBusy("no answer in time")

    def _drop(self, held: asyncpg.Connection) -> None:
        held.terminate()
        if self._held is held:
            self._held = None


async def _hear(held: asyncpg.Connection) -> None:
    """After a freeze the loop has not heard yet that the socket died: let it run."""
    for _ in range(_LOOPS):
        if held.is_closed():
            return
        await asyncio.sleep(0)


def _forget_outcome(statement: asyncio.Future[Any]) -> None:
    """Nobody may be there any more to be told how it went."""
    if not statement.cancelled():
        statement.exception()

"""PostgreSQL and Redis for `cj run`: those the shell names, else servers of our own."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.servers.postgres import Postgres
from local.servers.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping

    from local.data_folder import DataFolder
    from local.printer import Printer

_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Stores:
    """Where they are. The application's role owns nothing; migrations run as the owner."""

    database_url: str
    migration_url: str
    redis_url: str
    own: tuple[tuple[str, Postgres | Valkey], ...]

    async def watch(self, printer: Printer) -> None:
        """Says so when one of our servers is gone. Does not return."""
        left = dict(self.own)
        while True:
            await asyncio.sleep(_LOOK_S)
            for name in [name for name, server in left.items() if not server.alive()]:
                log = left.pop(name).log
                printer.warn(f"  {name} has ended by itself. Its log is {log}. Start CJ again.")


@asynccontextmanager
async def started(
    folder: DataFolder, environ: Mapping[str, str], printer: Printer
) -> AsyncIterator[Stores]:
    """Both at once, each told when it is ready; stopped at the end, whatever happened."""
    postgres = None if environ.get("DATABASE_URL") else Postgres(folder.postgres)
    valkey = None if environ.get("REDIS_URL") else Valkey(folder.valkey)
    both = (("postgres", postgres), ("valkey", valkey))
    own = tuple((name, server) for name, server in both if server is not None)
    try:
        starting = [asyncio.to_thread(_start, name, server, printer) for name, server in own]
        await to_the_end(*starting)
        given = environ.get("DATABASE_URL", "")
        stores = Stores(
            postgres.app_url if postgres else _told("postgres", given, printer),
            postgres.owner_url if postgres else environ.get("DATABASE_MIGRATION_URL") or given,
            valkey.url if valkey else _told("redis", environ["REDIS_URL"], printer),
            own,
        )
        yield stores
    finally:
        await to_the_end(*(asyncio.to_thread(server.stop) for _, server in own))


def _start(name: str, server: Postgres | Valkey, printer: Printer) -> None:
    began = time.monotonic()
    server.start()
    printer.step(f"{name} {server.found.told}", f"ready in {time.monotonic() - began:.1f} s")


def _told(what: str, url: str, printer: Printer) -> str:
    """The URL, of which a person is shown the place and not the password."""
    parts = urlsplit(url)
    printer.step(f"{what} (yours)", f"at {parts.hostname}:{parts.port or 'its usual port'}")
    return url


async def to_the_end(*work: Awaitable[object]) -> None:
    """Waits for all of it, also when cancelled meanwhile: a thread cannot be stopped halfway.

    Raises the first error, once nothing is under way any more.
    """
    everything = asyncio.gather(*work, return_exceptions=True)
    try:
        outcomes = await asyncio.shield(everything)
    except asyncio.CancelledError:
        await asyncio.wait([everything])
        raise
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome

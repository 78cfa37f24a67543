"""`cj migrate`: bring a database to the newest schema, or say how far it is."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cj.errors import StoreUnavailable
from cj.store.migrate import MigrationState, migrate, status

from local.commands import CommandError
from local.data_folder import DataFolder
from local.servers.postgres import Postgres

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator


def main(given: Namespace) -> int:
    """0 when the schema is the newest, and with --status also when it is not."""
    with _owner_url(given) as url:
        try:
            asyncio.run(_status(url) if given.status else _apply(url))
        except StoreUnavailable as error:
            raise CommandError(
                f"The database does not answer ({error}). Does it run, and is its URL right?"
            ) from error
    return 0


async def _apply(url: str) -> None:
    applied = await migrate(url, report=_say)
    if not applied:
        _say("up to date")


async def _status(url: str) -> None:
    for state in await status(url):
        _say(f"{state.version}  {_told(state):<20}  {state.name or 'not in this version of CJ'}")


def _told(state: MigrationState) -> str:
    if state.applied_at is None:
        return "to be applied"
    if state.changed:
        return "CHANGED since applied"
    return f"{state.applied_at:%Y-%m-%d %H:%M}"


@contextmanager
def _owner_url(given: Namespace) -> Iterator[str]:
    """The first there is: the argument, the environment, the running CJ, the data folder."""
    folder = DataFolder(given.data_dir)
    chosen = given.database_url or os.environ.get("DATABASE_MIGRATION_URL")
    running = folder.running()
    if chosen or running:
        yield chosen or (running.migration_url if running else "")
        return
    folder.take()
    try:
        with Postgres(folder.postgres) as server:
            yield server.owner_url
    finally:
        folder.release()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")

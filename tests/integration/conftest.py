"""Connections to a migrated database, as the application, and a conversation in it.

The tests of the turn functions share one database: each has owners and conversations of its own.
The tests of the embedded PostgreSQL have folders, new or copied from one that was used before.
"""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import pytest
from cj.store import Database

from local.servers.postgres_folder import APP, OWNER
from tests.integration.chatroom import Room
from tests.integration.postgres_server import server_on
from tests.integration.proxy import Proxy, through
from tests.processes import folder_outside_tests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from local.servers.found import Found
    from local.servers.postgres import Postgres

SHARED = "shared_by_tests"


@pytest.fixture(scope="session")
def shared_url(postgres: Postgres, migrated: str) -> str:
    async def create() -> None:
        connection = await asyncpg.connect(postgres.superuser_url)
        await connection.execute(f"CREATE DATABASE {SHARED} TEMPLATE {migrated} OWNER {OWNER}")
        await connection.close()

    asyncio.run(create())
    return postgres.url(APP, SHARED)


@pytest.fixture
async def db(shared_url: str) -> AsyncIterator[Database]:
    made = Database(shared_url)
    yield made
    await made.close()


@pytest.fixture
async def other_db(shared_url: str) -> AsyncIterator[Database]:
    """A second connection: another process."""
    made = Database(shared_url)
    yield made
    await made.close()


@pytest.fixture
async def watcher(shared_url: str) -> AsyncIterator[Database]:
    """A connection that only looks."""
    made = Database(shared_url)
    yield made
    await made.close()


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


@pytest.fixture
async def room(db: Database) -> Room:
    return await Room(db).furnish()


@pytest.fixture(scope="session")
def postgres_home(postgres_found: Found) -> Iterator[Path]:
    """A folder that a PostgreSQL made and left, only ever copied."""
    with folder_outside_tests() as folder:
        with server_on(folder / "postgres", postgres_found):
            pass
        yield folder / "postgres"


@pytest.fixture
def new_home() -> Iterator[Path]:
    """Where no PostgreSQL was yet."""
    with folder_outside_tests() as folder:
        yield folder / "postgres"


@pytest.fixture
def home(new_home: Path, postgres_home: Path) -> Path:
    """Where a PostgreSQL was before."""
    subprocess.run(["cp", "-a", postgres_home, new_home], check=True)
    return new_home

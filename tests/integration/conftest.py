"""Connections to a migrated database, as the application, and a conversation in it.

The tests of the turn functions share one database: each has owners and conversations of its own.
The tests of the embedded PostgreSQL have folders, new or copied from one that was used before.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import pytest
from cj.shopify.keys import KeyFile
from cj.store import Database
from moto.server import ThreadedMotoServer

from local.servers.postgres_folder import APP, OWNER
from tests.integration.chatroom import Room
from tests.integration.installation import Town
from tests.integration.listening_aws import ORIGIN, Aws, Functions
from tests.integration.postgres_server import server_on
from tests.processes import folder_outside_tests
from tests.proxy import ANY_REPLY, Proxy, through
from tests.stories.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from local.servers.found import Found
    from local.servers.postgres import Postgres
    from tests.conftest import Database as OwnDatabase

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


@pytest.fixture
def aws() -> Iterator[Aws]:
    made = Aws()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture(scope="module")
def aws_url() -> Iterator[str]:
    """An AWS that keeps secrets."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def functions(
    database: OwnDatabase, redis_url: str, aws: Aws, environ: dict[str, str]
) -> Iterator[Functions]:
    running = Functions(environ)
    assert running.get("/api/v1/session") == (200, {"user": None, "shop": None})
    assert running.connect() == 200
    yield running
    running.close()


@pytest.fixture
def environ(database: OwnDatabase, redis_url: str, aws: Aws) -> dict[str, str]:
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return {
        **measured,
        "PUBLIC_URL": ORIGIN,
        "DATABASE_URL": database.app_url,
        "DATABASE_MIGRATION_URL": database.owner_url,
        "REDIS_URL": redis_url,
        "WS_API_ENDPOINT": f"{aws.url}/ws",
        "TURN_WORKER_FUNCTION": "turn-worker",
        "AWS_ENDPOINT_URL_LAMBDA": aws.url,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "cj-test",
    }


@pytest.fixture
async def own_db(database: OwnDatabase) -> AsyncIterator[Database]:
    """The test's own database, as its owner sees it."""
    made = Database(database.owner_url)
    yield made
    await made.close()


@pytest.fixture
async def overseer(postgres: Postgres) -> AsyncIterator[Database]:
    """Somebody who sees what everybody does."""
    made = Database(postgres.superuser_url, allow_superuser=True)
    yield made
    await made.close()


@pytest.fixture
async def town(
    database: OwnDatabase, postgres: Postgres, redis_url: str, tmp_path: Path
) -> AsyncIterator[Town]:
    """Shops to connect, with proxies before both stores."""
    redis = f"{redis_url.rstrip('/')}/"
    ports = [urlsplit(url).port or 0 for url in (database.app_url, redis)]
    async with Proxy(ports[0]) as to_postgres, Proxy(ports[1], reply=ANY_REPLY) as to_redis:
        world = World(database.app_url, redis, postgres.superuser_url, to_postgres, to_redis)
        yield Town(world, KeyFile.create(tmp_path / "keys.json").path)
        await world.close()

"""Real servers, started when the first test asks for them, and a database of its own for each test.

CJ_TEST_POSTGRES_BIN (a folder with `postgres` and `initdb`) and CJ_TEST_REDIS_SERVER (a program)
run the tests on other versions than the pinned ones. With CI=true a missing browser fails.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
import redis

from local.servers.cluster import Cluster
from local.servers.found import find_postgres, find_redis, postgres_in, redis_at
from local.servers.postgres import Postgres
from local.servers.postgres_folder import APP, OWNER
from local.servers.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from local.servers.found import Found

_MIGRATED = "migrated"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Database:
    """One test's own, on the session's server."""

    name: str
    owner_url: str
    app_url: str


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """A journal that a test makes takes the loggers over: the next test finds them as they were."""
    names = ("cj", "mangum", "asyncio", "botocore", "redis")
    before = [
        (log, log.handlers, log.level, log.propagate) for log in map(logging.getLogger, names)
    ]
    yield
    for log, handlers, level, propagate in before:
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


@pytest.fixture(scope="session")
def postgres_found() -> Found:
    chosen = os.environ.get("CJ_TEST_POSTGRES_BIN")
    return postgres_in(Path(chosen)) if chosen else find_postgres()


@pytest.fixture(scope="session")
def redis_found() -> Found:
    chosen = os.environ.get("CJ_TEST_REDIS_SERVER")
    return redis_at(Path(chosen)) if chosen else find_redis()


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Deleted at the end, unlike pytest's own: a database takes 40 MB and more."""
    with tempfile.TemporaryDirectory(prefix="cj-tests-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(server_folder: Path, postgres_found: Found) -> Iterator[Postgres]:
    """The session's server. A power cut would lose its data; durability tests start their own."""
    with Postgres(server_folder / "postgres", found=postgres_found, fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """The name of a database that has every migration and is only ever copied."""
    from cj.store.migrate import migrate

    asyncio.run(_create(postgres, _MIGRATED, "template1"))
    asyncio.run(migrate(postgres.url(OWNER, _MIGRATED)))
    return _MIGRATED


@pytest.fixture
async def database(postgres: Postgres, migrated: str) -> AsyncIterator[Database]:
    """Migrated and empty."""
    made = await _create(postgres, f"test_{next(_numbers)}", migrated)
    yield made
    await _administer(postgres, f"DROP DATABASE {made.name} WITH (FORCE)")


@pytest.fixture
async def owner_database(postgres: Postgres) -> AsyncIterator[Database]:
    """Nothing in it: for tests of the migrations themselves."""
    made = await _create(postgres, f"test_{next(_numbers)}", "template1")
    yield made
    await _administer(postgres, f"DROP DATABASE {made.name} WITH (FORCE)")


async def _create(postgres: Postgres, name: str, template: str) -> Database:
    await _administer(postgres, f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER}")
    return Database(name, postgres.url(OWNER, name), postgres.url(APP, name))


async def _administer(postgres: Postgres, statement: str) -> None:
    connection = await asyncpg.connect(postgres.superuser_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def _valkey(server_folder: Path, redis_found: Found) -> Iterator[Valkey]:
    with Valkey(server_folder / "valkey", found=redis_found) as server:
        yield server


@pytest.fixture
def redis_url(_valkey: Valkey) -> str:
    """A single server, empty."""
    _flush(_valkey.url)
    return _valkey.url


@pytest.fixture(scope="session")
def _cluster(server_folder: Path, redis_found: Found) -> Iterator[Cluster]:
    with Cluster(server_folder / "cluster", found=redis_found) as nodes:
        yield nodes


@pytest.fixture
def redis_cluster_url(_cluster: Cluster) -> str:
    """One node of three, all empty: whoever touches keys of two slots at once is found out."""
    for url in _cluster.urls:
        _flush(url)
    return _cluster.url


def _flush(url: str) -> None:
    with closing(redis.Redis.from_url(url)) as client:
        client.flushall()
        client.script_flush()


@pytest.fixture(scope="session")
def missing() -> Callable[[str], None]:
    """Skips with the reason; with CI=true, where everything has to be there, fails with it."""

    def say(reason: str) -> None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)

    return say


@pytest.fixture(scope="session")
def chromium(missing: Callable[[str], None]) -> str:
    """The browser's program: the system's, else the one Playwright downloaded."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if not Path(own).exists():
        missing("no Chromium: install the package chromium, or run `playwright install chromium`")
    return own

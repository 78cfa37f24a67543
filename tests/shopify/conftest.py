"""A simulated Shopify, and CJ on the other side of it with a database of its own."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import asyncpg
import pytest
from cj.shopify.keys import KeyFile
from cj.store import Database

from local.servers.postgres_folder import APP, OWNER
from local.shopify.app import Options, Simulator
from tests.integration.statements import sql
from tests.shopify.side import CANDLES, Side

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from local.servers.postgres import Postgres


NAME = "of_the_shopify_tests"


@pytest.fixture
async def shopify() -> AsyncIterator[Simulator]:
    async with Simulator(Options(webhook_path=None)) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def shopify_database(postgres: Postgres, migrated: str) -> str:
    """One for all tests here; `db` empties it."""

    async def create() -> None:
        connection = await asyncpg.connect(postgres.superuser_url)
        await connection.execute(f"CREATE DATABASE {NAME} TEMPLATE {migrated} OWNER {OWNER}")
        await connection.close()

    asyncio.run(create())
    return postgres.url(APP, NAME)


@pytest.fixture
async def db(shopify_database: str) -> AsyncIterator[Database]:
    """With no merchant in it."""
    made = Database(shopify_database)
    await made.execute(sql("DELETE FROM merchants"))
    yield made
    await made.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return KeyFile.create(tmp_path / "keys.json").path


@pytest.fixture
async def side(shopify: Simulator, db: Database, key_file: Path) -> AsyncIterator[Side]:
    """CJ, installed in Corner Candles."""
    made = Side.of(shopify, db, key_file)
    await made.install(CANDLES)
    yield made
    await made.http.aclose()


@pytest.fixture
def caught_logs() -> Iterator[None]:
    """What CJ logs reaches caplog, also where a test of the journal ran before."""
    cj = logging.getLogger("cj")
    before, cj.propagate = cj.propagate, True
    yield
    cj.propagate = before

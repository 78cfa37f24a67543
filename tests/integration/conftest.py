"""Connections to the test's own database, as the application, and a conversation in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cj.store import Database

from tests.integration.chatroom import Room

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Database as Made


@pytest.fixture
async def db(database: Made) -> AsyncIterator[Database]:
    made = Database(database.app_url)
    yield made
    await made.close()


@pytest.fixture
async def other_db(database: Made) -> AsyncIterator[Database]:
    """A second connection: another process."""
    made = Database(database.app_url)
    yield made
    await made.close()


@pytest.fixture
async def watcher(database: Made) -> AsyncIterator[Database]:
    """A connection that only looks."""
    made = Database(database.app_url)
    yield made
    await made.close()


@pytest.fixture
async def room(db: Database) -> Room:
    return await Room(db).furnish()

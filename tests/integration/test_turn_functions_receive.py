"""An input becomes durable: once, in order, with one turn taken for it, whatever happens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cj.domain.ids import anonymous_owner_id, new_id
from tests.integration.chatroom import BEGIN, COMMIT, RAN_OUT, Room, somebody_waits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Database as Made


@pytest.fixture
async def dbs(database: Made) -> AsyncIterator[list[Database]]:
    made = [Database(database.app_url) for _ in range(3)]
    yield made
    for db in made:
        await db.close()

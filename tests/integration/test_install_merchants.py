"""Who makes the merchant of a new shop when many want to at the same moment."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from cj.store import Database
from cj.store.integrations import Integrations

if TYPE_CHECKING:
    from tests.conftest import Database as OwnDatabase

PROCESSES, SHOPS = 6, 60


async def test_whoever_makes_the_merchant_of_a_new_shop_everybody_gets_the_same(
    database: OwnDatabase,
) -> None:
    async with AsyncExitStack() as stack:
        processes = [Database(database.app_url) for _ in range(PROCESSES)]
        for process in processes:
            stack.push_async_callback(process.close)
            await Integrations(process).put_merchant(uuid4(), "warm", "warm.myshopify.com")
        for number in range(SHOPS):
            name = f"shop-{number}"
            made: list[UUID] = await asyncio.gather(
                *(
                    Integrations(process).put_merchant(uuid4(), name, f"{name}.myshopify.com")
                    for process in processes
                )
            )
            assert len(set(made)) == 1

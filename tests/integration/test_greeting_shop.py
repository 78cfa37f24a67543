"""Which store a turn may look into: its owner's, as it stands when the turn begins."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.integration.statements import BEGIN, COMMIT, somebody_waits, sql

if TYPE_CHECKING:
    from cj.store import Database

    from tests.integration.chatroom import Room


async def owner_of_a_shop(db: Database, *, active: bool = True) -> tuple[str, str]:
    """A user and the shop that is theirs."""
    name = f"shop-{uuid.uuid4().hex[:12]}"
    owner, shop, merchant = f"usr_{uuid.uuid4().hex[:16]}", f"{name}.myshopify.com", uuid.uuid4()
    insert = sql("INSERT INTO merchants (id, name, shop_domain) VALUES ($1, $2, $3)")
    await db.execute(insert, merchant, name, shop)
    insert = sql(
        "INSERT INTO merchant_integrations (merchant_id, type, is_active) "
        "VALUES ($1, 'shopify', $2)"
    )
    await db.execute(insert, merchant, active)
    insert = sql("INSERT INTO users (id, merchant_id, shop_domain) VALUES ($1, $2, $3)")
    await db.execute(insert, owner, merchant, shop)
    return owner, shop


async def claim(db: Database, room: Room, owner: str) -> None:
    """As a sign-in takes an anonymous conversation over."""
    update = sql("UPDATE conversations SET owner_id = $2, user_id = $2 WHERE id = $1")
    await db.execute(update, room.cid, owner)
    room.owner = owner


async def test_an_anonymous_owner_has_no_store(room: Room) -> None:
    begun = await room.begin(await room.say())
    assert begun is not None
    assert begun.shop is None


@pytest.mark.parametrize("active", [True, False])
async def test_an_owner_has_the_store_that_cj_may_read(room: Room, active: bool) -> None:
    owner, shop = await owner_of_a_shop(room.db, active=active)
    await claim(room.db, room, owner)
    begun = await room.begin(await room.say())
    assert begun is not None
    assert begun.shop == (shop if active else None)


async def test_a_turn_that_waited_for_a_sign_in_has_the_store_that_came_with_it(
    room: Room, other_db: Database, watcher: Database
) -> None:
    received = await room.say()
    await room.db.execute(BEGIN)
    owner, shop = await owner_of_a_shop(room.db)
    await claim(room.db, room, owner)
    beginning = asyncio.create_task(room.seen_by(other_db).begin(received))
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    begun = await beginning
    assert (begun.owner_id, begun.shop) == (owner, shop)

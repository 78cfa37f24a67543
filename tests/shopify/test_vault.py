"""Tokens put in by hand, and all of them sealed anew."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from cj.shopify.errors import ShopInvalid, TokenInvalid
from cj.shopify.keys import KeyFile
from cj.shopify.vault import Vault

from tests.integration.statements import sql
from tests.shopify.side import CANDLES, COFFEE, Side

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = {"shop_domain": COFFEE, "source": "by hand"}


@pytest.fixture
def vault(side: Side) -> Vault:
    return Vault(side.integrations, side.cipher)


async def test_a_token_put_in_by_hand_opens_the_store(side: Side, vault: Vault) -> None:
    merchant = await vault.put(COFFEE, "shpat_by_hand", ["read_orders", "read_products"], CONFIG)
    row = await side.row(COFFEE)
    assert (row.merchant_id, row.scopes) == (merchant, "read_orders,read_products")
    assert (row.refresh_token, row.expires_at, row.is_active) == (None, None, True)
    assert (await side.access.token(COFFEE, 5)).token == "shpat_by_hand"
    kept = await side.integrations.db.row(
        sql("SELECT m.name, i.config FROM merchants m JOIN merchant_integrations i "
            "ON i.merchant_id = m.id WHERE m.id = $1"), merchant
    )  # fmt: skip
    assert kept is not None
    assert (kept["name"], kept["config"]) == ("harbour-coffee", CONFIG)


async def test_a_token_put_in_again_is_the_same_merchants(side: Side, vault: Vault) -> None:
    before = await side.row(CANDLES)
    assert await vault.put(CANDLES, "shpat_other", [], {}) == before.merchant_id
    after = await side.row(CANDLES)
    assert (after.refresh_token, after.expires_at) == (None, None)
    assert (await side.access.token(CANDLES, 5)).token == "shpat_other"


async def test_what_is_no_shop_or_no_token_is_not_stored(side: Side, vault: Vault) -> None:
    for token in ("", "a b", "a\nb", "é", "x" * 1025):
        with pytest.raises(TokenInvalid):
            await vault.put(COFFEE, token, [], {})
    for shop in ("harbour-coffee", "evil.com", COFFEE.upper()):
        with pytest.raises(ShopInvalid):
            await vault.put(shop, "shpat_x", [], {})
    rows = await side.integrations.db.rows(sql("SELECT name FROM merchants"))
    assert [row["name"] for row in rows] == ["corner-candles"]


async def test_a_rotation_seals_everything_with_the_newest_key(
    side: Side, vault: Vault, key_file: Path
) -> None:
    await vault.put(COFFEE, "shpat_by_hand", [], {})
    token, before = await side.access.token(CANDLES, 5), await side.row(CANDLES)
    KeyFile(key_file).add()
    done = await vault.rotate()
    assert (done.resealed, done.current, done.late, done.unreadable) == (2, 0, 0, ())
    again = await vault.rotate()
    assert (again.resealed, again.current) == (0, 2)
    row = await side.row(CANDLES)
    assert str(row.api_key).startswith("v1.2.")
    assert str(row.refresh_token).startswith("v1.2.")
    assert (row.expires_at, row.scopes) == (before.expires_at, before.scopes)
    assert await side.access.token(CANDLES, 5) == token
    side.shopify.clock.move(hours=2)
    assert (await side.access.token(CANDLES, 5)).token != token.token


async def test_a_row_that_changes_during_the_rotation_stays_as_it_became(
    side: Side, vault: Vault
) -> None:
    seen = await side.row(CANDLES)
    await side.install(CANDLES)
    became = await side.row(CANDLES)
    assert not await side.integrations.reseal(seen, "v1.2.late", "v1.2.late")
    assert await side.row(CANDLES) == became


async def test_a_reseal_is_repeated_after_a_lost_reply(side: Side) -> None:
    seen = await side.row(CANDLES)
    assert await side.integrations.reseal(seen, "v1.2.new", "v1.2.newer")
    assert await side.integrations.reseal(seen, "v1.2.new", "v1.2.newer")
    assert (await side.row(CANDLES)).refresh_token == "v1.2.newer"


async def test_a_token_nobody_can_open_is_named_and_the_others_go_on(
    side: Side, vault: Vault, key_file: Path
) -> None:
    merchant = await vault.put(COFFEE, "shpat_by_hand", [], {})
    await side.integrations.db.execute(
        sql("UPDATE merchant_integrations SET api_key = 'v1.1..AAAA' WHERE merchant_id = $1"),
        merchant,
    )
    KeyFile(key_file).add()
    done = await vault.rotate()
    assert (done.resealed, done.unreadable) == (1, (merchant,))


async def test_merchants_come_page_by_page_in_order(side: Side, vault: Vault) -> None:
    await vault.put(COFFEE, "shpat_by_hand", [], {})
    first = await side.integrations.after(UUID(int=0), 1)
    second = await side.integrations.after(first[0].merchant_id, 1)
    third = await side.integrations.after(second[0].merchant_id, 1)
    assert [len(page) for page in (first, second, third)] == [1, 1, 0]
    assert first[0].merchant_id < second[0].merchant_id

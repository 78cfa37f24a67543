"""Who somebody is once a shop is connected, and whose everything is from then on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from cj.domain.callbacks import CallbackRefused
from cj.errors import NotFound, Unauthenticated
from cj.shopify.errors import ShopInvalid

from tests.integration.installation import OTHER, SHOP, TABLES
from tests.integration.installing import signed

if TYPE_CHECKING:
    from tests.integration.installation import Town, Visitor

ALIKE = ("shop-14830.myshopify.com", "shop-54695.myshopify.com")  # eight digits of hash are equal


async def test_a_new_merchant_is_stored_whole_with_both_events(town: Town) -> None:
    visitor = await town.visitor()
    landed = await visitor.connect(SHOP)
    assert visitor.owner == "usr_" + hashlib.sha256(SHOP.encode()).hexdigest()[:8]
    (user,) = await town.world.sql(
        "SELECT u.shop_domain, m.name, m.installed_at IS NOT NULL AS installed, i.is_active, "
        "i.config ->> 'shop_domain' AS config, i.scopes "
        "FROM users u JOIN merchants m ON m.id = u.merchant_id "
        "JOIN merchant_integrations i ON i.merchant_id = m.id WHERE u.id = $1",
        visitor.owner,
    )
    scopes = "read_customers,read_orders,read_products"
    assert tuple(user) == (SHOP, "corner-candles", True, True, SHOP, scopes)
    events = await town.world.sql(
        "SELECT user_id, event_type, event_data ->> 'shop' AS shop, "
        "event_data ->> 'first_time' AS first FROM events ORDER BY event_type DESC"
    )
    assert [tuple(e) for e in events] == [
        (visitor.owner, "user_created", SHOP, None),
        (visitor.owner, "oauth_complete", SHOP, "true"),
    ]
    assert landed["is_new"] == "true"
    assert await town.greetings(landed["conversation_id"]) == ["Hello there."]


async def test_the_same_shop_again_is_the_same_user_with_a_new_token(town: Town) -> None:
    first, again = await town.visitor(), await town.visitor()
    before = await first.connect(SHOP)
    sealed = await town.world.sql("SELECT api_key FROM merchant_integrations")
    after = await again.connect(SHOP)
    assert (after["is_new"], again.owner) == ("false", first.owner)
    assert await town.world.sql("SELECT api_key FROM merchant_integrations") != sealed
    assert [await town.count(table) for table in TABLES] == [1, 1, 1]
    seen = await again.conversations()
    assert seen == {before["conversation_id"], after["conversation_id"]}
    assert await first.conversations() == seen  # on the other device too
    told = await town.world.sql(
        "SELECT event_data ->> 'first_time' FROM events WHERE event_type = 'oauth_complete' "
        "ORDER BY created_at"
    )
    assert [row[0] for row in told] == ["true", "false"]


async def test_two_shops_whose_ids_collide_are_two_users_with_histories_of_their_own(
    town: Town,
) -> None:
    hashes = [hashlib.sha256(shop.encode()).hexdigest() for shop in ALIKE]
    assert hashes[0][:8] == hashes[1][:8]
    one, two = await town.visitor(), await town.visitor()
    landed = [await one.connect(ALIKE[0]), await two.connect(ALIKE[1])]
    assert one.owner == f"usr_{hashes[0][:8]}"
    assert two.owner == f"usr_{hashes[1][:12]}"
    assert await one.conversations() == {landed[0]["conversation_id"]}
    assert await two.conversations() == {landed[1]["conversation_id"]}
    with pytest.raises(NotFound):
        await one.parts.history.read(one.owner, UUID(landed[1]["conversation_id"]), 0, 50)
    again = await town.visitor()
    await again.connect(ALIKE[1])
    assert again.owner == two.owner


async def test_what_was_said_before_signing_in_is_there_afterwards(town: Town) -> None:
    visitor = await town.visitor()
    tab = await visitor.tab()
    await tab.say("Before I signed in")
    await town.world.work()
    landed = await visitor.connect(SHOP, tab.cid)
    assert landed["conversation_id"] == str(tab.cid)
    assert await visitor.conversations() == {str(tab.cid)}
    rows = await town.world.rows(tab.cid)
    assert [(r["role"], r["text"]) for r in rows] == [
        ("user", "Before I signed in"),
        ("assistant", "Hello there."),
        ("system", ""),
        ("assistant", "Hello there."),
    ]
    (conversation,) = await town.world.sql("SELECT * FROM conversations")
    (merchant,) = await town.world.sql("SELECT id FROM merchants")
    assert conversation["owner_id"] == conversation["user_id"] == visitor.owner
    assert (conversation["merchant_id"], conversation["workflow_name"]) == (
        merchant["id"],
        "shopify_post_auth",
    )


async def test_somebody_else_s_conversation_is_neither_claimed_nor_greeted_in(town: Town) -> None:
    stranger, visitor = await town.visitor(), await town.visitor()
    theirs = await stranger.tab()
    landed = await visitor.connect(SHOP, theirs.cid)
    assert landed["conversation_id"] != str(theirs.cid)
    missing = await (await town.visitor()).connect(OTHER, uuid4())
    assert missing["conversation_id"] != str(theirs.cid)
    (row,) = await town.world.sql("SELECT * FROM conversations WHERE id = $1", theirs.cid)
    assert (row["owner_id"], row["workflow_name"]) == (stranger.owner, "ad_hoc_support")


async def test_a_merchant_who_connects_a_second_shop_takes_nothing_along(town: Town) -> None:
    visitor = await town.visitor()
    first = await visitor.connect(SHOP)
    owner = visitor.owner
    second = await visitor.connect(OTHER)
    assert visitor.owner != owner
    assert await visitor.conversations() == {second["conversation_id"]}
    (row,) = await town.world.sql(
        "SELECT owner_id FROM conversations WHERE id = $1", UUID(first["conversation_id"])
    )
    assert row["owner_id"] == owner


async def test_the_cookie_from_before_is_dead_and_its_socket_hears_nothing_more(
    town: Town,
) -> None:
    """Whoever planted the cookie in this browser is left with nothing."""
    visitor = await town.visitor()
    planted, tab = visitor.token, await visitor.tab()
    await tab.say("Before")
    await town.world.work()
    heard = list(tab.frames)
    await visitor.connect(SHOP, tab.cid)
    new_tab = await visitor.tab(str(tab.cid))
    await new_tab.say("After")
    await town.world.work()
    assert new_tab.told("done")
    assert tab.frames == heard
    with pytest.raises(Unauthenticated):
        await town.process().visitors.recognise(planted)
    refused = await tab.say("Still me")
    assert (refused["code"], refused["retryable"]) == ("unauthenticated", True)
    with pytest.raises(Unauthenticated):
        await town.process().door.admit("c9", planted, "http://127.0.0.1:8000", "192.0.2.1")


async def test_a_turn_that_is_speaking_while_the_owner_changes_is_kept_and_not_overheard(
    town: Town,
) -> None:
    visitor = await town.visitor()
    tab = await visitor.tab()
    await tab.say("Long question")
    world = town.world
    await world.turn_speaks(world.events.queued.pop(0))
    town.internal.down = True  # the greeting would wait for this turn
    await visitor.connect(SHOP, tab.cid)
    assert tab.name in world.browsers.gone
    heard = list(tab.frames)
    await world.let_it_end()
    assert tab.frames == heard
    assert await town.greetings(str(tab.cid)) == ["Hello there."]


async def test_nothing_ever_leaves_for_what_is_no_shop(town: Town) -> None:
    """With the addresses of the real Shopify, at the transport."""
    visitor = await town.visitor()
    for host in (
        "evil.com",
        "a.myshopify.com.evil.com",
        "a.myshopify.com@evil",
        "a.myshopify.com/../",
        "a%00.myshopify.com",
        "a.myshopify.com\n",
        "ａ.myshopify.com",
        "169.254.169.254",
    ):
        with pytest.raises(ShopInvalid):
            await visitor.begin(host)
        query = {**await visitor.begin(SHOP), "shop": host}
        del query["hmac"]
        with pytest.raises(CallbackRefused) as refused:
            await visitor.come_back(signed(**query))
        assert (refused.value.code, refused.value.status) == ("invalid_shop", 400)
    assert town.wire.left == []
    await visitor.connect(SHOP)
    assert town.wire.left == [f"https://{SHOP}/admin/oauth/access_token"]


async def test_a_conversation_that_began_with_the_greeting_is_named_after_the_shop(
    town: Town,
) -> None:
    visitor = await town.visitor()
    landed = await visitor.connect(SHOP)
    title = "First look at corner-candles"
    assert await titles(visitor) == [title]
    cid = UUID(landed["conversation_id"])
    assert (await visitor.parts.history.read(visitor.owner, cid, 0, 50))["title"] == title


async def test_the_merchant_s_first_words_are_a_better_name(town: Town) -> None:
    visitor = await town.visitor()
    tab = await visitor.tab((await visitor.connect(SHOP))["conversation_id"])
    await tab.say("How was the last week?")
    assert await titles(visitor) == ["How was the last week?"]


async def test_what_was_said_before_connecting_keeps_its_name(town: Town) -> None:
    visitor = await town.visitor()
    tab = await visitor.tab()
    await tab.say("Before I signed in")
    await visitor.connect(SHOP, tab.cid)
    assert await titles(visitor) == ["Before I signed in"]


async def titles(visitor: Visitor) -> list[str | None]:
    """As the list of conversations shows them."""
    found = await visitor.parts.history.list(visitor.owner, 100, None)
    return [conversation["title"] for conversation in found["conversations"]]

"""A browser signs in while an older tab of it is open: the tab comes back with the new cookie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from cj.store import People, Sessions
from cj.store.integrations import SealedTokens
from cj.store.people import Installed, NewSession

if TYPE_CHECKING:
    from uuid import UUID

    from tests.stories.tab import Tab
    from tests.stories.world import World

FRAMES: dict[str, dict[str, Any]] = {
    "start": {},
    "resume": {"after_seq": 0},
    "message": {"text": "Who is there?"},
    "retry": {"of": uuid4()},
    "stop": {"turn": uuid4()},
    "oauth_complete": {},
}


async def sign_in(tab: Tab) -> Installed:
    """As far as COMMIT: Redis was not told yet."""
    later = datetime.now(UTC) + timedelta(days=1)
    installed = await People(tab.parts.db).install(
        "corner-candles.myshopify.com",
        uuid4(),
        SealedTokens("sealed", None, None, None, "read_orders"),
        NewSession(uuid4().hex * 2, later, tab.token_hash),
        wanted=tab.cid,
        new_conversation=uuid4(),
        workflow="post_auth",
        events=(uuid4(), uuid4()),
    )
    assert isinstance(installed, Installed)
    assert installed.claimed == (tab.cid,)
    return installed


@pytest.mark.parametrize("kind", FRAMES)
async def test_a_tab_from_before_the_sign_in_is_told_so_before_redis_knows_of_it(
    world: World, kind: str
) -> None:
    tab = await world.tab()
    await tab.say("Mine so far")
    await sign_in(tab)
    refused = await tab.send(kind, cid=tab.cid, **FRAMES[kind])
    assert (refused["code"], refused["retryable"]) == ("unauthenticated", True)


async def test_a_session_that_lives_hears_not_found(world: World) -> None:
    tab = await world.tab()
    assert await Sessions(tab.parts.db).find(tab.token_hash) is not None
    assert (await tab.send("message", cid=uuid4(), text="Hello?"))["code"] == "not_found"


async def asked(world: World, tab: Tab, kind: str, cid: UUID) -> tuple[Any, int, int]:
    """What a tab hears of a conversation that is none of its own, and what that cost the stores."""
    before = world.postgres.round_trips, world.redis.round_trips
    heard = await tab.send(kind, cid=cid, **FRAMES[kind])
    after = world.postgres.round_trips, world.redis.round_trips
    del heard["re"]
    return heard, after[0] - before[0], after[1] - before[1]


@pytest.mark.parametrize("kind", FRAMES)
async def test_a_foreign_and_a_missing_conversation_cost_the_stores_the_same(
    world: World, kind: str
) -> None:
    owner, stranger = await world.tab(), await world.tab(owner=f"anon_{uuid4().hex}")
    await owner.say("Mine")
    for cid in (owner.cid, uuid4()):
        await asked(world, stranger, kind, cid)  # what is looked up once in a while is known now
    foreign = await asked(world, stranger, kind, owner.cid)
    missing = await asked(world, stranger, kind, uuid4())
    assert foreign == missing
    heard, statements, _ = foreign
    assert (heard["code"], statements) == ("not_found", 2)

"""Messages wait while CJ speaks: so many, beside those that are being answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.stories.conftest import BOTH

if TYPE_CHECKING:
    from tests.stories.tab import Tab
    from tests.stories.world import World


async def refusals(tab: Tab, messages: int) -> list[str | None]:
    """Of so many more messages: the code where one was not taken."""
    return [(await tab.say(f"more {n}")).get("code") for n in range(messages)]


@BOTH
@pytest.mark.parametrize("answered", [1, 3])
@pytest.mark.parametrize("away", [False, True], ids=["as always", "without PostgreSQL"])
async def test_five_may_wait_beside_all_that_cj_answers(
    world: World, answered: int, away: bool
) -> None:
    tab = await world.tab()
    if away:
        await world.postgres.refuse()
    for n in range(answered):
        await tab.say(f"message {n}")
    await world.turn_speaks(world.events.queued.pop(0))
    assert await refusals(tab, 6) == [None] * 5 + ["overloaded"]
    await world.let_it_end()
    assert await refusals(tab, 2) == [None, "overloaded"]  # one of the five is answered next
    world.words.gate = None
    await world.work()
    assert await refusals(tab, 1) == [None]

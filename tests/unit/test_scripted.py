"""The rule-based CJ says what it can do and what it saw, and makes nothing up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from cj.agent.scripted import Scripted

from tests.unit.asked import COUNTS, RECENT, Shelf, answer, said, window_of

if TYPE_CHECKING:
    from cj.agent.model import Step

TOOLS = {
    "How many orders did I get?": [COUNTS, RECENT],
    "what sold best this week?": ["get_shopify_orders_last_week"],
    "How was last week?": ["get_shopify_orders_last_week"],
    "Who are my customers?": [COUNTS, "get_shopify_orders_last_week"],
    "What products are in stock?": ["get_shopify_store_overview"],
    "Tell me about my shop": ["get_shopify_store_overview", COUNTS],
}


async def test_it_says_that_no_model_is_behind_it() -> None:
    assert "no AI model" in await answer("Hello there")


@pytest.mark.parametrize("question", [*TOOLS, "show me shop B's orders"])
async def test_without_a_store_it_invents_no_numbers(question: str) -> None:
    text = await answer(question)
    assert "can't see a store's numbers" in text
    assert not any(letter.isdigit() for letter in text)


@pytest.mark.parametrize("question", TOOLS)
async def test_a_question_about_the_store_is_answered_from_its_tools(question: str) -> None:
    shelf = Shelf()
    text = await answer(question, store=shelf)
    assert shelf.asked == TOOLS[question]
    assert text


@pytest.mark.parametrize("said", ["I had a bad week", "zebra", "hello", "thanks"])
async def test_what_is_no_question_about_the_store_looks_nowhere(said: str) -> None:
    shelf = Shelf()
    await answer(said, store=shelf)
    assert shelf.asked == []


async def test_two_questions_that_need_the_same_look_make_it_once() -> None:
    shelf = Shelf()
    await answer("hello", "my orders", "and my sales, please", store=shelf, from_seq=2)
    assert shelf.asked == [COUNTS, RECENT]


async def test_it_recalls_what_was_said_before() -> None:
    text = await answer("My dog is called Rex", "What did I say?")
    assert "My dog is called Rex" in text
    assert "first thing" in await answer("What did I say?")


async def test_a_long_memory_is_quoted_in_short() -> None:
    text = await answer("word " * 100, "recap please")
    assert len(text) < 250
    assert "…" in text


async def test_what_no_rule_knows_gets_an_honest_answer() -> None:
    assert "can't answer it by my rules" in await answer("zebra")


async def test_everything_that_waits_is_answered_in_order_and_nothing_twice() -> None:
    told = await answer("hello", "zebra", "thanks", "giraffe", from_seq=2)
    assert "Hello" not in told
    assert told.index("can't answer it") < told.index("You're welcome.")
    assert told.count("can't answer it") == 1


async def test_a_trigger_is_greeted_with_the_store_and_then_what_was_said_is_answered() -> None:
    window = [said("system", "", 1, control="trigger"), said("user", "thanks", 2)]
    shelf = Shelf()
    text = await told(window, 1, shelf)
    assert text.startswith("Welcome!")
    assert text.index("newest order") < text.index("You're welcome.")
    assert shelf.asked == [COUNTS, RECENT]


async def test_without_a_store_a_trigger_is_greeted_without_numbers() -> None:
    text = await told([said("system", "", 1, control="trigger")], 1, None)
    assert text.startswith("Welcome!")
    assert "connect it at the top of this page" in text
    assert not any(letter.isdigit() for letter in text)


async def test_a_greeting_that_is_asked_for_again_is_a_greeting() -> None:
    """Its trigger and the greeting itself are not in the window any more."""
    again = said("user", "", 5, control="regenerate")
    assert (await told([again], 5, Shelf())).startswith("Welcome!")
    earlier = [said("user", "Hi", 1), said("assistant", "Hello!", 2), again]
    assert (await told(earlier, 5, Shelf())).startswith("Welcome!")


async def test_an_answer_that_is_asked_for_again_answers_the_same_words() -> None:
    again = said("user", "", 5, control="regenerate")
    window = [said("user", "zebra", 1), said("assistant", "Oh.", 2), said("user", "thanks", 3)]
    assert await told([*window, again], 5, Shelf()) == "You're welcome."


async def test_the_first_words_wait_for_no_tool() -> None:
    shelf = Shelf()
    shelf.gate.clear()
    steps = Scripted().stream([said("system", "", 1, control="trigger")], 1, shelf)
    first: list[Any] = []
    async for step in steps:
        first.append(step)
        if len([one for one in first if not isinstance(one, str)]) == 2:
            break
    assert "".join(one for one in first if isinstance(one, str)).startswith("Welcome!")
    assert [one.status for one in first[-2:]] == ["started", "started"]
    await everything_is_asked(shelf)
    await steps.aclose()
    assert shelf.given_up == 2


async def test_looks_begin_together_and_are_told_of_in_turn() -> None:
    shelf = Shelf()
    steps = [step async for step in Scripted().stream(window_of("my orders"), 1, shelf)]
    looks = [step for step in steps if not isinstance(step, str)]
    assert [(look.name, look.status) for look in looks] == [
        (COUNTS, "started"),
        (RECENT, "started"),
        (COUNTS, "ok"),
        (RECENT, "ok"),
    ]
    assert looks[0].call == looks[2].call != looks[1].call
    assert looks[2].result == shelf.results[COUNTS]
    assert looks[2].as_of is not None
    assert looks[2].cached is False
    assert looks[2].ms is not None


async def test_a_turn_that_is_cancelled_leaves_no_look_under_way() -> None:
    shelf = Shelf()
    shelf.gate.clear()

    async def listen() -> list[Step]:
        return [step async for step in Scripted().stream(window_of("my orders"), 1, shelf)]

    listening = asyncio.create_task(listen())
    await everything_is_asked(shelf)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert shelf.given_up == 2


async def everything_is_asked(shelf: Shelf) -> None:
    async with asyncio.timeout(20):
        while len(shelf.asked) < 2:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


async def told(window: list[Any], from_seq: int, store: Any) -> str:
    steps = [step async for step in Scripted().stream(window, from_seq, store)]
    return "".join(step for step in steps if isinstance(step, str))

"""The rule-based CJ says what it can do and what it saw, and makes nothing up."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from cj.agent.scripted import Scripted
from cj.domain.messages import Message


def said(role: str, text: str, seq: int) -> Message:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    return Message(id=uuid4(), seq=seq, role=role, text=text, created_at=moment, status="complete")


async def answer(*texts: str) -> str:
    window = [said("user", text, seq) for seq, text in enumerate(texts, 1)]
    return "".join([piece async for piece in Scripted().stream(window, from_seq=len(texts))])


async def test_it_says_that_no_model_is_behind_it() -> None:
    assert "no AI model" in await answer("Hello there")


@pytest.mark.parametrize("question", ["How many orders did I get?", "show me shop B's orders"])
async def test_it_invents_no_store_numbers(question: str) -> None:
    text = await answer(question)
    assert "can't see a store's numbers" in text
    assert not any(letter.isdigit() for letter in text)


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
    texts = ["hello", "zebra", "thanks", "giraffe"]
    window = [said("user", text, seq) for seq, text in enumerate(texts, 1)]
    told = "".join([piece async for piece in Scripted().stream(window, from_seq=2)])
    assert "Hello" not in told
    assert told.index("can't answer it") < told.index("You're welcome.")
    assert told.count("can't answer it") == 1

"""The rehearsed model does what the text asks for, and its diary says so."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cj.agent.model import ToolStep
from cj.domain.ids import new_id
from cj.domain.messages import Message
from cj.errors import ModelUnavailable

from tests.chaos import diary
from tests.chaos.diary import Diary
from tests.chaos.rehearsed import NoNotes, Rehearsed

if TYPE_CHECKING:
    from pathlib import Path

    from cj.agent.model import Step


async def answer(text: str, model: Rehearsed | None = None) -> list[Step]:
    said = Message(new_id(), 1, "user", text, datetime.now(UTC), "complete")
    model = model or Rehearsed(NoNotes())
    return [step async for step in model.stream([said], 1, None)]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("0/1: instant", 1),
        ("anything else", 1),
        ("0/1: say 4 chunks every 1 ms", 4),
        ("0/1: stream 0.4 s", 2),
    ],
)
async def test_a_wish_is_so_many_pieces_the_same_each_time(text: str, pieces: int) -> None:
    first = await answer(text)
    assert len(first) == pieces
    assert first == await answer(text)


async def test_a_tool_is_looked_into_between_two_pieces() -> None:
    kinds = [step.status if isinstance(step, ToolStep) else "text" for step in await answer("tool")]
    assert kinds == ["text", "started", "ok", "text"]


async def test_a_failing_model_has_said_something_before() -> None:
    with pytest.raises(ModelUnavailable):
        await answer("fail")


async def test_a_hanging_model_never_ends() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(answer("hang"), 0.2)


async def test_a_crash_that_was_is_not_repeated(tmp_path: Path) -> None:
    notes = Diary(tmp_path)
    assert notes.first_time("crash once")
    assert len(await answer("crash once", Rehearsed(notes))) == 2


async def test_a_turn_is_in_the_diary_while_it_speaks_and_its_span_afterwards(
    tmp_path: Path,
) -> None:
    notes = Diary(tmp_path)
    with notes.doing("turn", cid="here", turn="t"):
        assert diary.speaking(tmp_path) == []
        with notes.speaking():
            (running,) = diary.speaking(tmp_path)
            assert (running.pid, running.cid, running.turn) == (os.getpid(), "here", "t")
            assert [span.until for span in diary.spans(tmp_path)] == [None]
    assert (diary.speaking(tmp_path), diary.busy(tmp_path, "turn")) == ([], [])
    ((cid, turn, since, until),) = diary.spans(tmp_path)
    assert (cid, turn) == ("here", "t")
    assert until is not None
    assert since <= until

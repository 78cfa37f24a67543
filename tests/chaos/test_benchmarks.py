"""Small versions of the benchmarks: what they show must hold, how fast it is is only printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import resume, slow_model

if TYPE_CHECKING:
    from tests.chaos.stage import Stage


@pytest.mark.slow
async def test_after_random_disconnects_in_mid_answer_everybody_shows_the_same_text(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    result = await resume.measure(stage, conversations=4, disconnects=15, seed=1)
    with capsys.disabled():
        print("", *resume.lines(result), sep="\n")  # noqa: T201
    assert (result.disconnects, result.found) == (15, [])


@pytest.mark.slow
async def test_beside_a_slow_model_messages_are_acked_and_its_answer_comes_from_one_turn(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    result = await slow_model.measure(stage, stream_s=3, messages=15, seed=1)
    with capsys.disabled():
        print("", *slow_model.lines(result), sep="\n")  # noqa: T201
    assert (result.long_answers, result.found) == (slow_model.PAIRS, [])

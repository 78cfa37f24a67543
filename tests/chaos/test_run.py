"""Every kind of fault, each in the middle of running turns, and nothing is lost or mixed up."""

from __future__ import annotations

import pytest

from tests.chaos.crowd import HASTY
from tests.chaos.run import Plan, play

SHORT = Plan(1, 240, 24, pause_s=1.0, lease_s=3, pace=HASTY, broken_s=(0.3, 1.0))


@pytest.mark.slow
async def test_nothing_is_lost_whatever_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    progress: list[str] = []
    outcome = await play(SHORT, progress.append)
    with capsys.disabled():
        print("", *outcome.lines(), sep="\n")  # noqa: T201
    assert outcome.found == [], "\n".join(progress)
    assert outcome.missed == []

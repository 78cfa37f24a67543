"""The checker catches five planted defects out of five, each by its name, in a real system."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.chaos import evidence
from tests.chaos.checker import findings
from tests.chaos.crowd import Crowd, Tickets
from tests.chaos.defects import DEFECTS, Defect, planted
from tests.chaos.faults import Scene

if TYPE_CHECKING:
    from tests.chaos.stage import Stage

CONNECTIONS = 6
MESSAGES = 24  # and as many again for each strike
PATIENCE_S = 2.0  # what is broken may never settle


async def found(stage: Stage, seed: int, *defects: Defect, patience_s: float) -> set[str]:
    """The kinds of what the checker finds after a short load with these strikes."""
    async with Crowd(stage.url, seed, CONNECTIONS, 0.3, crashes=False) as crowd:
        tickets, scene = Tickets(), Scene(stage, crowd, Random(seed))
        talking = asyncio.create_task(crowd.talk(tickets))
        tickets.give(CONNECTIONS)
        await crowd.settled(20)  # well again after what was done to it before
        for defect in defects:
            tickets.give(MESSAGES)
            await defect.strike(scene)
            tickets.give(MESSAGES)
        tickets.close()
        await asyncio.wait({talking}, timeout=patience_s)
        talking.cancel()
        await asyncio.wait({talking})
        await crowd.settled(patience_s)
    return {finding.kind for finding in findings(await evidence.rooms(stage, crowd))}


@pytest.mark.slow
async def test_five_planted_defects_are_caught_and_nothing_without_them(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await found(stage, 0, *DEFECTS, patience_s=60) == set()
    caught = {}
    for seed, defect in enumerate(DEFECTS, start=1):
        began = time.monotonic()
        async with planted(stage, defect):
            caught[defect.name] = await found(stage, seed, defect, patience_s=PATIENCE_S)
        told = f"{defect.name}: {', '.join(sorted(caught[defect.name]))}"
        with capsys.disabled():
            print(f"\n{told} ({time.monotonic() - began:.1f} s)", end="")  # noqa: T201
    assert not [defect.name for defect in DEFECTS if not defect.kinds & caught[defect.name]]

"""One chaos run: a crowd talks while one fault after the other strikes; then the checker looks."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from tests.chaos import evidence
from tests.chaos.checker import Finding, findings
from tests.chaos.crowd import Crowd, Tickets
from tests.chaos.faults import KINDS, Scene
from tests.chaos.page import Pace
from tests.chaos.stage import LIMITS, Stage
from tests.chaos.tab import new_cookie
from tests.chaos.waiting import waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TELL_S = 10.0
TRIES = 5
MESSAGES_A_ROUND = 3_000  # every kind of fault once in so many messages


@dataclass(frozen=True)
class Plan:
    """What comes in which order is in the seed; what the machine makes of it is not."""

    seed: int
    messages: int
    connections: int
    pause_s: float = 4.0  # between the messages of a tab, on average
    lease_s: int = 10  # a turn may wait that long for a process, since there are eight
    pace: Pace = Pace()  # noqa: RUF009 - frozen
    broken_s: tuple[float, float] = (0.5, 3.0)  # how long an outage lasts
    settle_s: float = 120.0  # to come to rest at the end; who does not is a finding

    def faults(self, random: Random) -> list[str]:
        """Every kind equally often, in any order."""
        rounds = max(1, self.messages // MESSAGES_A_ROUND)
        kinds = [kind for kind in KINDS for _ in range(rounds)]
        random.shuffle(kinds)
        return kinds


@dataclass
class Outcome:
    """What happened, and what of it must not have."""

    plan: Plan
    made: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)  # running turns, by kind of fault
    found: list[Finding] = field(default_factory=list)
    said: int = 0
    rows: int = 0
    unsaved_acks: int = 0
    resumes: int = 0
    connects: int = 0
    took_s: float = 0.0
    settled_s: float = 0.0
    complaints: list[str] = field(default_factory=list)  # the functions' own, if there is a finding

    @property
    def missed(self) -> list[str]:
        """Kinds of faults that hit no running turn, so that they showed nothing."""
        return [kind for kind in KINDS if not self.hit[kind]]

    def lines(self) -> Iterator[str]:
        """For people."""
        plan = self.plan
        yield f"seed {plan.seed}: {self.said} messages over {plan.connections} connections"
        yield f"took {self.took_s:.1f} s, of which {self.settled_s:.1f} s to settle at the end"
        yield (
            f"{self.rows} rows; {self.unsaved_acks} messages accepted before they were durable; "
            f"{self.connects} connects, {self.resumes} resumes"
        )
        for kind in KINDS:
            yield f"  {kind:<48} {self.made[kind]:3} times, {self.hit[kind]:4} running turns hit"
        kinds = Counter(finding.kind for finding in self.found)
        yield "found: " + (", ".join(f"{n} x {kind}" for kind, n in kinds.items()) or "nothing")
        for finding in self.found[:20]:
            yield f"  {finding.kind}: {finding.what} ({finding.cid})"
        yield from (f"  {line}" for line in self.complaints[:10])


async def play(plan: Plan, tell: Callable[[str], None]) -> Outcome:
    """From nothing to nothing: everything that was started has ended when this returns."""
    outcome, began, random = Outcome(plan), time.monotonic(), Random(plan.seed)
    async with Stage({**LIMITS, "TURN_LEASE_S": str(plan.lease_s)}) as stage:
        tell(_limits(stage, plan))
        crowd = Crowd(stage.url, plan.seed, plan.connections, plan.pause_s, plan.pace)
        async with crowd:
            tickets, scene = Tickets(), Scene(stage, crowd, random, plan.broken_s)
            telling = asyncio.create_task(_tell_often(crowd, tickets, tell))
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(crowd.talk(tickets))
                    group.create_task(_direct(scene, plan, tickets, outcome, tell))
                await settle(stage, crowd, outcome)
            finally:
                telling.cancel()
                await asyncio.wait({telling})
        await _look(stage, crowd, outcome)
    outcome.said = tickets.used
    outcome.took_s = time.monotonic() - began
    return outcome


def _limits(stage: Stage, plan: Plan) -> str:
    changed = ", ".join(f"{name}={value}" for name, value in stage.limits.items())
    return f"settings other than the defaults: {changed}; pages: {plan.pace}"


async def _direct(
    scene: Scene, plan: Plan, tickets: Tickets, outcome: Outcome, tell: Callable[[str], None]
) -> None:
    """One fault somewhere in each portion of the messages."""
    kinds = plan.faults(scene.random)
    portion = plan.messages // len(kinds)
    for number, kind in enumerate(kinds):
        tickets.give(max(portion * (number + 1) - tickets.given, 0))
        await tickets.used_up_to(round(portion * (number + scene.random.random())))
        more = asyncio.create_task(_keep_talking(scene, tickets))
        began, hit = time.monotonic(), 0
        for _ in range(TRIES):  # a turn may end in the moment it is struck: that showed nothing
            hit += await KINDS[kind](scene)
            outcome.made[kind] += 1
            if hit:
                break
        more.cancel()
        outcome.hit[kind] += hit
        took_s = time.monotonic() - began
        tell(f"{tickets.used:6} said: {kind}, {took_s:.1f} s, {hit} running turns hit")
    tickets.give(max(plan.messages - tickets.given, 0))
    tickets.close()


async def _keep_talking(scene: Scene, tickets: Tickets) -> None:
    """A fault in a silent room shows nothing."""
    while True:
        if tickets.used == tickets.given:
            tickets.give(max(len(scene.crowd.seats) // 4, 1))
        await asyncio.sleep(0.25)


async def _tell_often(crowd: Crowd, tickets: Tickets, tell: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(TELL_S)
        records = list(crowd.records())
        saved = sum(not said.waits for record in records for said in record.said)
        waiting = sum(not seat.tab.page.settled for seat in crowd.seats)
        tell(f"{tickets.used:6} said, {saved} saved, {waiting} tabs wait for something")


async def settle(stage: Stage, crowd: Crowd, outcome: Outcome) -> None:
    """The servers are well again; the archiver, which comes by itself one day, comes now.

    Whoever has not come to rest in time is a finding.
    """
    began = time.monotonic()
    while time.monotonic() - began < outcome.plan.settle_s:
        await stage.sweep()
        if await crowd.settled(within_s=10):
            break
    else:
        outcome.found += await waiting(stage, crowd)
    outcome.settled_s = time.monotonic() - began


async def _look(stage: Stage, crowd: Crowd, outcome: Outcome) -> None:
    rooms = await evidence.rooms(stage, crowd)
    outcome.found += findings(rooms)
    stranger = await new_cookie(stage.url)
    for cid in await evidence.strangers_see(stage.url, [room.cid for room in rooms], stranger):
        outcome.found.append(Finding("foreign", cid, "somebody else can read it"))
    outcome.complaints = stage.complaints() if outcome.found else []
    outcome.rows = sum(len(room.rows) for room in rooms)
    records = list(crowd.records())
    outcome.connects = sum(record.connects for record in records)
    outcome.resumes = sum(record.resumes for record in records)
    said = [said for record in records for said in record.said]
    outcome.unsaved_acks = sum(one.accepted_at is not None for one in said)

"""Every fault there is: what it does, for how long, and how many running turns it hit.

A turn counts as hit when a process spoke for it right before the fault and still did right after,
as its diary says. A process to be killed is stopped first, and looked at while nothing moves.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from random import Random

    from tests.chaos.crowd import Crowd, Seat
    from tests.chaos.diary import Doing
    from tests.chaos.stage import Stage
    from tests.proxy import Proxy

PATIENCE_S = 15.0  # to find what a fault needs: a running turn, a process at work
LOOK_S = 0.005


@dataclass
class Scene:
    """What a fault may touch."""

    stage: Stage
    crowd: Crowd
    random: Random
    broken_s: tuple[float, float] = (0.5, 3.0)

    async def a_while(self) -> None:
        """How long something stays broken."""
        await asyncio.sleep(self.random.uniform(*self.broken_s))

    async def found(self, find: Callable[[], Sequence[Doing]]) -> list[Doing]:
        """What `find` gives once it gives something; nothing if it does not in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    if processes := find():
                        return list(processes)
                    await asyncio.sleep(LOOK_S)
        return []

    async def turns_hit(self, act: Callable[[], Awaitable[object]]) -> int:
        """Acts once a turn runs; how many ran on both sides of that moment."""
        before = await self.found(self.stage.speaking)
        await act()
        return len(set(before) & set(self.stage.speaking()))

    async def caught(self, find: Callable[[], Sequence[Doing]]) -> Doing | None:
        """A process that is stopped (SIGSTOP) in the middle of what `find` looks for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while processes := await self.found(find):
                    process = self.random.choice(processes)
                    if self.stage.caught(process):
                        return process
        return None

    async def killed(self, find: Callable[[], Sequence[Doing]]) -> int:
        """kill -9 in the middle of it: 1, or 0 where none was caught."""
        process = await self.caught(find)
        if process is None:
            return 0
        os.kill(process.pid, signal.SIGKILL)
        return 1

    def receiving(self) -> list[Doing]:
        """Processes at work on a frame of a conversation in which CJ speaks."""
        cids = {turn.cid for turn in self.stage.speaking()}
        return [process for process in self.stage.busy("message") if process.cid in cids]

    def sweeping(self) -> list[Doing]:
        """The archiver at work while CJ speaks somewhere."""
        return self.stage.busy("sweep") if self.stage.speaking() else []


async def kill_worker(scene: Scene) -> int:
    return await scene.killed(scene.stage.speaking)


async def kill_receiver(scene: Scene) -> int:
    return await scene.killed(scene.receiving)


async def kill_archiver(scene: Scene) -> int:
    async def ask() -> None:
        while True:
            await scene.stage.sweep()
            await asyncio.sleep(0.1)

    asking = asyncio.create_task(ask())
    try:
        return await scene.killed(scene.sweeping)
    finally:
        asking.cancel()
        await asyncio.wait({asking})


async def pause_worker(scene: Scene) -> int:
    """Frozen past its lease, until another has begun its turn; then it goes on to its end."""
    process = await scene.caught(scene.stage.speaking)
    if process is None:
        return 0
    try:
        await asyncio.sleep(scene.stage.lease_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(
                _somebody_else_at(scene.stage, process), scene.stage.lease_s + PATIENCE_S
            )
        await scene.a_while()
    finally:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
    await scene.found(lambda: [] if process in scene.stage.speaking() else [process])
    return 1


async def _somebody_else_at(stage: Stage, process: Doing) -> None:
    """Returns once another worker speaks for the same turn, or the turn is over."""
    query = "SELECT FROM conversations WHERE turn_id = $1::text::uuid"
    while True:
        others = {one.turn for one in stage.speaking() if one.pid != process.pid}
        if process.turn in others or not await stage.sql(query, process.turn):
            return
        await asyncio.sleep(0.05)


async def kill_postgres(scene: Scene) -> int:
    hit = await scene.turns_hit(scene.stage.kill_postgres)
    await scene.a_while()
    await scene.stage.start_postgres()
    return hit


async def kill_valkey(scene: Scene) -> int:
    hit = await scene.turns_hit(scene.stage.kill_valkey)
    await scene.a_while()
    await scene.stage.start_valkey()
    return hit


async def flush_redis(scene: Scene) -> int:
    return await scene.turns_hit(scene.stage.flush_redis)


async def refuse(scene: Scene, *hidden: str) -> int:
    """Nobody listens; every connection is reset."""
    proxies = [_proxy(scene, name) for name in hidden]

    async def act() -> None:
        await asyncio.gather(*(proxy.refuse() for proxy in proxies))

    hit = await scene.turns_hit(act)
    await scene.a_while()
    await asyncio.gather(*(proxy.normal() for proxy in proxies))
    return hit


async def black_hole(scene: Scene, name: str) -> int:
    """It takes everything and gives nothing."""
    proxy = _proxy(scene, name)

    async def act() -> None:
        proxy.silent = True

    hit = await scene.turns_hit(act)
    await scene.a_while()
    await proxy.normal()
    return hit


async def delay(scene: Scene, name: str) -> int:
    """Everything takes a while longer."""
    proxy = _proxy(scene, name)

    async def act() -> None:
        proxy.delay_s = scene.random.uniform(0.05, 0.3)

    hit = await scene.turns_hit(act)
    await scene.a_while()
    await proxy.normal()
    return hit


async def reset_in_reply(scene: Scene, name: str) -> int:
    """After some bytes of replies from now: in the middle of one."""
    proxy = _proxy(scene, name)
    await scene.found(scene.stage.speaking)
    proxy.reset_after = scene.random.randrange(1, 4_000)
    return await _struck(scene, lambda: proxy.reset_after is None)


async def lose_replies(scene: Scene, name: str) -> int:
    """Done, committed, and the reply is cut off."""
    proxy = _proxy(scene, name)
    await scene.found(scene.stage.speaking)
    proxy.losing_replies = scene.random.randint(3, 8)
    return await _struck(scene, lambda: proxy.losing_replies == 0)


async def drop_tabs(scene: Scene) -> int:
    """A share of the tabs lose their line, without a goodbye."""
    share = scene.random.uniform(0.2, 0.8)
    seats = [seat for seat in scene.crowd.seats if scene.random.random() < share]
    return await _tabs_hit(scene, seats, _drop)


async def kill_tabs(scene: Scene) -> int:
    """Some tabs die with what they had in memory, and others take their places."""
    seats = scene.random.sample(scene.crowd.seats, max(1, len(scene.crowd.seats) // 10))
    return await _tabs_hit(scene, seats, scene.crowd.replace)


async def _drop(seat: Seat) -> None:
    seat.tab.drop()


async def _tabs_hit(scene: Scene, seats: list[Seat], act: Callable[[Seat], Awaitable[None]]) -> int:
    """How many turns ran in their conversations. The first is one of a running turn's."""
    running = {turn.cid for turn in await scene.found(scene.stage.speaking)}
    seats = [*scene.crowd.seats_in(running)[:1], *seats]
    await asyncio.gather(*map(act, dict.fromkeys(seats)))
    return len({seat.tab.page.cid for seat in seats} & running)


async def _struck(scene: Scene, over: Callable[[], bool]) -> int:
    """Until an armed fault has struck for the last time; the most turns that ran meanwhile."""
    most = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while not over():
                most = max(most, len(scene.stage.speaking()))
                await asyncio.sleep(LOOK_S)
            return most
    return 0


def _on(fault: Callable[..., Awaitable[int]], *names: str) -> Callable[[Scene], Awaitable[int]]:
    return lambda scene: fault(scene, *names)


def _proxy(scene: Scene, name: str) -> Proxy:
    return {"postgres": scene.stage.to_postgres, "redis": scene.stage.to_redis}[name]


_ON_THE_WAY: dict[str, Callable[..., Awaitable[int]]] = {
    "refuses connections": refuse,
    "is a black hole": black_hole,
    "is slow": delay,
    "is cut off in a reply": reset_in_reply,
    "loses replies after the work is done": lose_replies,
}
KINDS: dict[str, Callable[[Scene], Awaitable[int]]] = {
    "turn worker killed": kill_worker,
    "turn worker paused past its lease": pause_worker,
    "ws_message killed": kill_receiver,
    "archiver killed": kill_archiver,
    "PostgreSQL killed": kill_postgres,
    "Valkey killed": kill_valkey,
    "FLUSHALL": flush_redis,
    **{f"PostgreSQL {what}": _on(fault, "postgres") for what, fault in _ON_THE_WAY.items()},
    **{f"Redis {what}": _on(fault, "redis") for what, fault in _ON_THE_WAY.items()},
    "both stores refuse connections": _on(refuse, "postgres", "redis"),
    "tabs lose their line": drop_tabs,
    "tabs die": kill_tabs,
}

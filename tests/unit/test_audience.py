"""Every browser has a lane of its own: in order, at its own pace, and forgotten when it is gone."""

import asyncio
from collections.abc import Callable

from cj.domain.replies import Reply
from cj.errors import ConnectionGone, PushFailed
from cj.flows.audience import BEHIND, Audience


class Browsers:
    """Takes frames as Push does; one may hang, be gone, or fail once."""

    def __init__(self, *, gone: str = "", hangs: str = "", fails_once: str = "") -> None:
        self.frames: dict[str, list[Reply]] = {}
        self.gone, self.hangs, self.fails_once = gone, hangs, fails_once
        self.forgotten: list[str] = []

    async def post(self, connection_id: str, frame: Reply) -> None:
        if connection_id == self.gone:
            raise ConnectionGone(connection_id)
        if connection_id == self.hangs:
            await asyncio.Event().wait()
        if connection_id == self.fails_once:
            self.fails_once = ""
            raise PushFailed(connection_id)
        await asyncio.sleep(0)
        self.frames.setdefault(connection_id, []).append(frame)

    async def forget(self, connection_id: str) -> None:
        self.forgotten.append(connection_id)


def audience(browsers: Browsers, *connections: str) -> Audience:
    made = Audience(browsers, browsers.forget)  # type: ignore[arg-type]
    made.admit(connections)
    return made


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


def numbers(frames: list[Reply]) -> list[int]:
    return [frame["n"] for frame in frames]


async def test_everybody_hears_everything_in_order() -> None:
    browsers = Browsers()
    told = audience(browsers, "a", "b")
    for n in range(20):
        told.tell({"n": n})
    await told.leave(5)
    assert numbers(browsers.frames["a"]) == numbers(browsers.frames["b"]) == list(range(20))


async def test_who_comes_later_hears_what_is_told_from_then_on_and_once() -> None:
    browsers = Browsers()
    told = audience(browsers, "a")
    told.tell({"n": 0})
    told.admit(["a", "b"])
    told.tell({"n": 1})
    await told.leave(5)
    assert numbers(browsers.frames["a"]) == [0, 1]
    assert numbers(browsers.frames["b"]) == [1]


async def test_a_connection_that_is_gone_is_forgotten_once_and_no_other() -> None:
    browsers = Browsers(gone="b")
    told = audience(browsers, "a", "b")
    told.tell({"n": 0})
    for _ in range(5):
        await asyncio.sleep(0)
    told.admit(["b"])  # Redis may still name it
    told.tell({"n": 1})
    await told.leave(5)
    assert browsers.forgotten == ["b"]
    assert numbers(browsers.frames["a"]) == [0, 1]


async def test_a_frame_that_could_not_be_delivered_is_followed_by_the_next() -> None:
    browsers = Browsers(fails_once="a")
    told = audience(browsers, "a")
    told.tell({"n": 0})
    told.tell({"n": 1})
    await told.leave(5)
    assert numbers(browsers.frames["a"]) == [1]


async def test_a_browser_that_hangs_holds_up_nobody_and_is_left_behind() -> None:
    browsers = Browsers(hangs="slow")
    told = audience(browsers, "slow", "a")
    for n in range(BEHIND + 50):
        told.tell({"n": n})
        if n % 50 == 49:
            await until(lambda: len(browsers.frames.get("a", [])) > n)  # noqa: B023
    await told.leave(0.01)
    assert numbers(browsers.frames["a"]) == list(range(BEHIND + 50))
    assert "slow" not in browsers.frames

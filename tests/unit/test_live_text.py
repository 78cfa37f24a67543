"""What a running turn says reaches every watcher in order, coalesced, and nobody else's pace."""

import asyncio
from uuid import UUID, uuid4

import pytest
from cj.domain.replies import Reply
from cj.flows.stream import PIECE_CHARS, LiveText

CID, TURN = uuid4(), uuid4()


class Browsers:
    """Takes frames as Push does; can hold them up, and knows who is gone."""

    def __init__(self, gone: set[str] | None = None) -> None:
        self.frames: dict[str, list[Reply]] = {}
        self.gone = gone or set()
        self.open = asyncio.Event()
        self.open.set()

    async def broadcast(self, connections: list[str], frame: Reply) -> list[str]:
        await self.open.wait()
        for connection in connections:
            self.frames.setdefault(connection, []).append(frame)
        return [c for c in connections if c in self.gone]


class Memory:
    """Redis as far as LiveText knows it: chunks kept, one more tab known."""

    def __init__(self, *tabs: str) -> None:
        self.tabs, self.chunks, self.forgotten = set(tabs), [], []

    async def append_chunk(self, cid: UUID, turn: UUID, gen: int, i: int, text: str) -> set[str]:
        self.chunks.append((gen, i, text))
        return self.tabs

    async def forget(self, connection_id: str) -> None:
        self.forgotten.append(connection_id)


def live(browsers: Browsers, memory: Memory, every_s: float = 0) -> LiveText:
    return LiveText(memory, browsers, memory.forget, CID, TURN, 3, {"a"}, every_s=every_s)  # type: ignore[arg-type]


def text_of(frames: list[Reply]) -> str:
    return "".join(frame["text"] for frame in frames)


async def test_everything_said_has_left_when_the_block_ends() -> None:
    browsers, memory = Browsers(), Memory("b")
    async with live(browsers, memory) as text:
        for word in ["one ", "two ", "three"]:
            text.say(word)
            await asyncio.sleep(0)
    assert text_of(browsers.frames["a"]) == text_of(browsers.frames["b"]) == "one two three"
    assert [frame["i"] for frame in browsers.frames["a"]] == list(range(text.chunks))
    assert {frame["gen"] for frame in browsers.frames["a"]} == {3}
    assert memory.chunks == [(3, i, f["text"]) for i, f in enumerate(browsers.frames["a"])]


async def test_a_slow_browser_gets_fewer_and_larger_deltas() -> None:
    browsers = Browsers()
    browsers.open.clear()
    async with live(browsers, Memory()) as text:
        text.say("first ")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for n in range(100):
            text.say(f"{n} ")
        browsers.open.set()
    assert len(browsers.frames["a"]) == 2
    assert text_of(browsers.frames["a"]) == text.text


async def test_a_long_piece_is_cut_into_frames() -> None:
    browsers = Browsers()
    async with live(browsers, Memory()) as text:
        text.say("x" * (2 * PIECE_CHARS + 1))
    assert [len(frame["text"]) for frame in browsers.frames["a"]] == [PIECE_CHARS, PIECE_CHARS, 1]


async def test_a_browser_that_is_gone_is_forgotten_and_no_other() -> None:
    browsers, memory = Browsers(gone={"b"}), Memory("b")
    async with live(browsers, memory) as text:
        text.say("hello")
    memory.tabs.clear()
    await text.tell({"type": "done"})
    assert memory.forgotten == ["b"]
    assert [frame["type"] for frame in browsers.frames["a"]] == ["delta", "done"]
    assert [frame["type"] for frame in browsers.frames["b"]] == ["delta"]


async def test_nothing_said_sends_nothing() -> None:
    browsers = Browsers()
    async with live(browsers, Memory()) as text:
        pass
    assert text.chunks == 0
    assert browsers.frames == {}


async def test_a_turn_that_breaks_says_no_more() -> None:
    browsers = Browsers()
    browsers.open.clear()
    with pytest.raises(ZeroDivisionError):
        async with live(browsers, Memory()) as text:
            text.say("half an answer")
            await asyncio.sleep(0)
            raise ZeroDivisionError
    browsers.open.set()
    await asyncio.sleep(0)
    assert browsers.frames == {}

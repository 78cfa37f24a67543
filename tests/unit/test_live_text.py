"""What a running turn says is kept, told in order, and coalesced; a stop is heard."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID, uuid4

import pytest
from cj.agent.model import ToolStep
from cj.domain.replies import Reply
from cj.ephemeral import Heard
from cj.flows.stream import PIECE_CHARS, LiveText

CID, TURN = uuid4(), uuid4()


class Everybody:
    """An audience that writes down what it hears."""

    def __init__(self) -> None:
        self.frames: list[Reply] = []
        self.admitted: set[str] = set()

    def tell(self, frame: Reply) -> None:
        self.frames.append(frame)

    def admit(self, connections: Iterable[str]) -> None:
        self.admitted |= set(connections)

    @property
    def text(self) -> str:
        return "".join(frame["text"] for frame in self.frames)


class Memory:
    """The chunk log of one turn; it may be away, or lose everything."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.away, self.stop = False, False
        self.calls = 0

    async def append(
        self, cid: UUID, turn: UUID, gen: int, since: int, pieces: Sequence[str]
    ) -> Heard | None:
        assert (cid, turn, gen) == (CID, TURN, 3)
        self.calls += 1
        if self.away:
            return None
        if len(self.kept) == since:
            self.kept += pieces
        return Heard({"b"}, self.stop, len(self.kept))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


def live(everybody: Everybody, memory: Memory, every_s: float = 0) -> LiveText:
    return LiveText(memory, everybody, CID, TURN, 3, every_s=every_s, listen_s=0.01)  # type: ignore[arg-type]


async def test_everything_said_is_kept_and_told_when_the_block_ends() -> None:
    everybody, memory = Everybody(), Memory()
    async with live(everybody, memory) as text:
        for word in ["one ", "two ", "three"]:
            text.say(word)
            await asyncio.sleep(0)
    assert everybody.text == text.text == "one two three"
    assert [frame["i"] for frame in everybody.frames] == list(range(len(text.chunks)))
    assert {frame["gen"] for frame in everybody.frames} == {3}
    assert memory.kept == [frame["text"] for frame in everybody.frames]
    assert everybody.admitted == {"b"}


async def test_what_is_said_between_two_deltas_leaves_as_one() -> None:
    everybody = Everybody()
    async with live(everybody, Memory(), every_s=60) as text:
        text.say("first ")
        await until(lambda: bool(everybody.frames))
        for n in range(100):
            text.say(f"{n} ")
    assert len(everybody.frames) == 2
    assert everybody.text == text.text


async def test_a_long_piece_is_cut_into_frames() -> None:
    everybody = Everybody()
    async with live(everybody, Memory()) as text:
        text.say("x" * (2 * PIECE_CHARS + 1))
    assert [len(frame["text"]) for frame in everybody.frames] == [PIECE_CHARS, PIECE_CHARS, 1]


async def test_a_tool_step_comes_after_what_was_said_before_it_and_before_what_follows() -> None:
    everybody = Everybody()
    async with live(everybody, Memory()) as text:
        text.say("Let me look. ")
        text.say(ToolStep("c1", "get_orders", "started"))
        text.say(ToolStep("c1", "get_orders", "ok", ms=12, cached=False))
        text.say("Three orders.")
    assert [frame["type"] for frame in everybody.frames] == ["delta", "tool", "tool", "delta"]
    assert [frame.get("status") for frame in everybody.frames[1:3]] == ["started", "ok"]
    assert text.text == "Let me look. Three orders."
    assert len(text.chunks) == 2


async def test_a_log_that_lost_everything_gets_everything_again() -> None:
    everybody, memory = Everybody(), Memory()
    async with live(everybody, memory) as text:
        for word in ["one ", "two ", "three "]:
            told = len(everybody.frames)
            text.say(word)
            await until(lambda: len(everybody.frames) > told)  # noqa: B023
        memory.kept.clear()
        text.say("four")
    assert "".join(memory.kept) == "one two three four"
    assert memory.kept == text.chunks


async def test_without_redis_the_text_is_told_all_the_same() -> None:
    everybody, memory = Everybody(), Memory()
    memory.away = True
    async with live(everybody, memory) as text:
        text.say("hello")
    assert everybody.text == "hello"


async def test_a_stop_is_heard_before_anything_was_said() -> None:
    memory = Memory()
    memory.stop = True
    async with live(Everybody(), memory) as text:
        await asyncio.wait_for(text.stopped.wait(), 10)
    assert text.chunks == []


async def test_nothing_said_sends_nothing() -> None:
    everybody = Everybody()
    async with live(everybody, Memory()) as text:
        pass
    assert (text.chunks, everybody.frames) == ([], [])


async def test_a_turn_that_breaks_says_no_more() -> None:
    everybody = Everybody()
    with pytest.raises(ZeroDivisionError):
        async with live(everybody, Memory(), every_s=60) as text:
            text.say("half ")
            await until(lambda: bool(everybody.frames))
            text.say("an answer")
            raise ZeroDivisionError
    assert everybody.text == "half "

"""CJ speaks: a model's steps become live text until it ends, is stopped, or time is over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.agent.record import Record
from cj.agent.store import Store
from cj.domain.entries import Entry
from cj.errors import LeaseLost, ModelUnavailable, SettingsInvalid
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
    from datetime import datetime
    from typing import Any
    from uuid import UUID

    from cj.agent.model import Model, Step
    from cj.domain.messages import Message
    from cj.domain.replies import Reply
    from cj.domain.turns import Status
    from cj.flows.stream import LiveText
    from cj.shopify.tools import StoreTools

log = log_of(__name__)
ANSWER_BYTES = 20_000  # as it travels
TO_SPEAK_S = 2  # of a turn, after its last look into the store
FAILED = "Something went wrong and CJ could not answer. Please ask again."


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a turn has to show for itself."""

    text: str
    chunks: int
    status: Status
    model: str
    latency_ms: int
    ttft_ms: int | None
    content: dict[str, Any] | None = None
    sources: list[dict[str, Any]] | None = None

    def done(
        self, live: LiveText, answer: UUID, at: datetime, *, seq: int | None, **answers: object
    ) -> Reply:
        """The turn is over; without a seq its answer is not saved yet."""
        return {
            "type": "done",
            "cid": str(live.cid),
            "turn": str(live.turn),
            "gen": live.gen,
            "seq": seq,
            "message_id": str(answer),
            **answers,
            "n": self.chunks,
            "status": self.status,
            "model": self.model,
            "usage": None,
            "latency_ms": self.latency_ms,
            **({} if self.sources is None else {"sources": self.sources}),
            "created_at": at.isoformat(),
            "durable": seq is not None,
        }

    def entry(self, live: LiveText, answer: UUID, at: datetime, inputs: tuple[UUID, ...]) -> Entry:
        """The answer as it waits for PostgreSQL."""
        return Entry(
            kind="answer",
            id=answer,
            client_id=None,
            text=self.text,
            at=at,
            turn=live.turn,
            status=self.status,
            model=self.model,
            latency_ms=self.latency_ms,
            ttft_ms=self.ttft_ms,
            content=self.content,
            sources=self.sources,
            answers=inputs,
        )


@dataclass(frozen=True, slots=True)
class Speaker:
    """One answer at a time. `tools` gives what looks into stores, once there is one."""

    model: Model
    deadline_s: float
    tools: Callable[[], StoreTools]
    clock: Callable[[], float] = time.monotonic

    async def speak(
        self,
        window: Sequence[Message],
        from_seq: int,
        live: LiveText,
        *,
        time_left_s: float,
        keep: Coroutine[Any, Any, None],
        shop: str | None = None,
    ) -> Spoken:
        """Everything said has left when this returns. `keep` holds the lease meanwhile.

        `shop` is the owner's, if CJ may look into it now. Raises LeaseLost, said by `keep`, when
        the turn is somebody else's by now.
        """
        started = self.clock()
        within_s = max(min(self.deadline_s, time_left_s), 0)
        steps = self.model.stream(window, from_seq, self._store(shop, started + within_s))
        first: list[float] = []
        record = Record()
        lost = False
        try:
            async with asyncio.TaskGroup() as group:
                holding = group.create_task(keep)
                async with live:
                    saying = self._say(steps, live, record, first)
                    status = await _until_over(saying, live.stopped, within_s)
                holding.cancel()
        except* LeaseLost:
            lost = True
        if lost:
            raise LeaseLost
        took_ms = round((self.clock() - started) * 1000)
        ttft_ms = round((first[0] - started) * 1000) if first else None
        text = live.text or (FAILED if status == "error" else "")
        chunks, made = len(live.chunks), (record.content, record.sources)
        return Spoken(text, chunks, status, self.model.name, took_ms, ttft_ms, *made)

    def _store(self, shop: str | None, ends: float) -> Store | None:
        """What is found must still be said: looks end a little before the turn."""
        if shop is None:
            return None
        try:
            tools = self.tools()
        except SettingsInvalid as error:  # the operator's to mend; the merchant gets an answer
            log.critical("no looks into stores", extra={"setting": str(error)})
            return None
        return Store(tools, shop, ends - TO_SPEAK_S, self.clock)

    async def _say(
        self,
        steps: AsyncGenerator[Step, None],
        live: LiveText,
        record: Record,
        first: list[float],
    ) -> None:
        size = 0
        async with contextlib.aclosing(steps):
            async for step in steps:
                if isinstance(step, str):
                    first.append(self.clock())
                    size += len(json.dumps(step, ensure_ascii=False).encode())
                    if size > ANSWER_BYTES:
                        raise _TooLong
                record.add(step)
                live.say(step)


class _TooLong(Exception):  # not a failure: what was said stands
    """An answer has to fit into a frame, whoever opens the conversation later."""


async def _until_over(
    saying: Coroutine[Any, Any, None], stopped: asyncio.Event, within_s: float
) -> Status:
    """How the model's speech ended. It runs no more when this returns or raises."""
    speech = asyncio.create_task(saying)
    stop = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({speech, stop}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if stopped.is_set():
            return "stopped"
        if not speech.done():
            return "interrupted"
        speech.result()
        return "complete"
    except _TooLong:
        log.warning("answer cut: it would not fit into a frame")
        return "interrupted"
    except ModelUnavailable:
        log.exception("the model failed")
        return "error"
    finally:
        for task in (speech, stop):
            task.cancel()
        await asyncio.gather(speech, stop, return_exceptions=True)

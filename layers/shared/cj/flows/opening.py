"""A browser opens a conversation, or asks what it missed: subscribe first, then read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cj.domain import replies
from cj.domain.frames import Resume, Start
from cj.domain.handoffs import POST_AUTH, trigger_id
from cj.domain.ids import new_id
from cj.domain.unsaved import waiting
from cj.errors import EphemeralUnavailable, NotFound, RateLimited, StorageDegraded, StoreUnavailable
from cj.flows.outreach import BUFFERED
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from cj.domain.entries import Entry
    from cj.domain.frames import OauthComplete
    from cj.domain.messages import Message
    from cj.domain.replies import Reply
    from cj.domain.turns import Caller, Opened
    from cj.ephemeral import Buffer, Limits, Live, Outage, Rate, Recent
    from cj.flows.connect import Door
    from cj.flows.drain import Drain
    from cj.flows.handoff import Greeting
    from cj.flows.outreach import Outreach
    from cj.store import Conversations

log = log_of(__name__)
TAIL = 15
WORKFLOW = "ad_hoc_support"


@dataclass(frozen=True, slots=True)
class Running:
    """A turn that runs and what it has said, as far as Redis knows; None: it cannot say."""

    turn: UUID
    gen: int
    chunks: list[str] | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A conversation as it is told to one browser."""

    cid: UUID
    workflow: str
    last_seq: int
    messages: Sequence[Message]
    more: bool
    unsaved: Sequence[Entry]
    running: Running | None
    degraded: list[str]
    shop: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """start, resume and oauth_complete."""

    door: Door
    conversations: Conversations
    live: Live
    recent: Recent
    buffer: Buffer
    limits: Limits
    outage: Outage
    drain: Drain
    outreach: Outreach
    conversation_rate: Rate
    lease_s: float
    text_chars: int
    greeting: Greeting

    async def open(self, caller: Caller, frame: Start | Resume | OauthComplete) -> None:
        """Returns when the browser was told. Whatever comes after is pushed to it."""
        cid = frame.cid
        away = await self.outage.known()
        if not away:
            try:
                await (
                    self._open_any(caller, frame) if cid is None else self._open(caller, frame, cid)
                )
                return
            except StoreUnavailable:
                await self.outage.happened()
        if cid is None:
            raise StorageDegraded
        await self._open_from_memory(caller, cid, frame)

    async def _open_any(self, caller: Caller, frame: Start | Resume | OauthComplete) -> None:
        """The owner's still empty conversation, also one that waits for its greeting; else a new
        one: only that counts, and only for somebody who is still signed in.
        """
        cid = await self.conversations.silent(caller.owner_id)
        if cid is None:
            wait_ms = await self.limits.take(
                "conversations", caller.owner_id, self.conversation_rate
            )
            if wait_ms:
                raise RateLimited(wait_ms)
            made = new_id()
            opened = await self._look(caller, None, None, made, None)
            await self.door.still_lives(caller)
            if opened.cid == made:
                await self.recent.fill(made, caller.owner_id, opened.workflow, ())
                await self._tell(caller, frame, await self._seen(frame, opened, (), ()))
                return
            cid = opened.cid  # another tab was quicker
            await self.limits.give_back("conversations", caller.owner_id, self.conversation_rate)
        await self._open(caller, frame, cid)

    async def _open(self, caller: Caller, frame: Start | Resume | OauthComplete, cid: UUID) -> None:
        after = _after(frame)
        speaking = await self.drain.run(cid, caller.owner_id) == "speaking"
        cached = await self.recent.read(cid) if after is None else None
        known = cached.last_seq if cached and cached.owner_id == caller.owner_id else None
        opened = await self._look(caller, cid, after, new_id(), known)
        messages = cached.messages if opened.messages is None and cached else opened.messages or ()
        if after is None and opened.messages is not None:
            await self.recent.fill(cid, caller.owner_id, opened.workflow, opened.messages)
        unsaved = await self._unsaved(cid) if speaking else ()
        seen = await self._seen(
            frame, opened, messages[-TAIL:] if after is None else messages, unsaved
        )
        await asyncio.gather(
            self._tell(caller, frame, seen),
            self.outreach.settle(cid, opened, besides=caller.connection_id),
        )
        if not speaking and _lacks_greeting(opened, None if after else messages):
            await self.greeting.offer(cid, caller.owner_id)

    async def _look(
        self, caller: Caller, cid: UUID | None, after: int | None, made: UUID, known: int | None
    ) -> Opened:
        """Raises NotFound, and subscribes on the way. Without `cid` no turn is repaired."""
        opened = await self.conversations.open(
            caller.owner_id,
            cid,
            connection_id=caller.connection_id,
            new_id=made,
            workflow=WORKFLOW,
            tail=TAIL,
            after_seq=after,
            known=known,
            next_turn=new_id(),
            lease=timedelta(seconds=self.lease_s) if cid else None,
        )
        await self.outage.over()
        if opened is None:
            raise NotFound
        await self.live.watch(opened.cid, caller.connection_id)
        return opened

    async def _seen(
        self,
        frame: Start | Resume | OauthComplete,
        opened: Opened,
        messages: Sequence[Message],
        unsaved: Sequence[Entry],
    ) -> Seen:
        running = None
        if opened.turn is not None and opened.fence is not None:
            chunks = await self.live.chunks(opened.cid, opened.turn, opened.fence)
            running = Running(opened.turn, opened.fence, chunks)
        elif unsaved:
            running = await self._running_unsaved(opened.cid)
        more = opened.more or (_after(frame) is None and bool(messages) and messages[0].seq > 1)
        return Seen(
            cid=opened.cid,
            workflow=opened.workflow,
            last_seq=opened.last_seq,
            messages=messages,
            more=more,
            unsaved=unsaved,
            running=running,
            degraded=["redis"] if self.live.redis.down else [],
            shop=opened.shop,
        )

    async def _unsaved(self, cid: UUID) -> Sequence[Entry]:
        try:
            return await self.buffer.unsaved(cid)
        except EphemeralUnavailable:
            return ()

    async def _running_unsaved(self, cid: UUID) -> Running | None:
        """The turn that PostgreSQL does not know."""
        held = await self.buffer.holder(cid)
        if held is None:
            return None
        return Running(held.turn, held.gen, await self.live.chunks(cid, held.turn, held.gen))

    async def _open_from_memory(
        self, caller: Caller, cid: UUID, frame: Start | Resume | OauthComplete
    ) -> None:
        """PostgreSQL is away: what Redis knows of a conversation that was open lately."""
        cached = await self.recent.read(cid)
        if cached is None or cached.owner_id != caller.owner_id:  # from outside the two look alike
            raise StoreUnavailable("not open lately, or somebody else's")
        await self.live.watch(cid, caller.connection_id)
        try:
            entries = await self.buffer.unsaved(cid)
        except EphemeralUnavailable as error:
            raise StoreUnavailable("neither store is there") from error
        after = _after(frame)
        messages = [m for m in cached.messages if after is None or m.seq > after]
        first = messages[0].seq if messages else cached.last_seq + 1
        seen = Seen(
            cid=cid,
            workflow=cached.workflow,
            last_seq=cached.last_seq,
            messages=messages if after is None or first == after + 1 else (),
            more=after is None and first > 1,  # a hole stays one until PostgreSQL is back
            unsaved=entries,
            running=await self._running_unsaved(cid),
            degraded=["postgres"],
        )
        await self._tell(caller, frame, seen)
        if waiting(cached.messages, entries) is not None:
            await self.outreach.wake(cid, new_id(), BUFFERED)

    async def _tell(
        self, caller: Caller, frame: Start | Resume | OauthComplete, seen: Seen
    ) -> None:
        live, recovered = _live(frame, seen.running)
        head: Reply = {"re": str(frame.id), "cid": str(seen.cid), "last_seq": seen.last_seq}
        head |= {"more": seen.more, "degraded": seen.degraded}
        if isinstance(frame, Resume):
            head |= {"type": "sync", "recovered": recovered}
        else:
            head |= {
                "type": "ready",
                "workflow": seen.workflow,
                "requirements": [],
                "connected": {"shop": seen.shop},
                "ui": [],
                "limits": {"text": self.text_chars},
            }
        frames = replies.opening(
            head,
            [message.public() for message in seen.messages],
            newest=_after(frame) is None,
            unsaved=[entry.public() for entry in seen.unsaved],
            live=live,
        )
        await self.outreach.tell([caller.connection_id], *frames)


def _lacks_greeting(opened: Opened, tail: Sequence[Message] | None) -> bool:
    """Nobody could ask for it when the shop was connected; or it lies further back. Without the
    newest messages only of an empty conversation it is known.
    """
    if opened.workflow != POST_AUTH or (tail is None and opened.last_seq > 0):
        return False
    return all(m.client_id != trigger_id(opened.cid) for m in tail or ())


def _after(frame: Start | Resume | OauthComplete) -> int | None:
    return frame.after_seq if isinstance(frame, Start | Resume) else None


def _live(
    frame: Start | Resume | OauthComplete, running: Running | None
) -> tuple[replies.Live | None, bool]:
    """The chunks this browser lacks, and whether Redis has them all."""
    if running is None:
        return None, True
    start = 0
    if isinstance(frame, Resume) and (frame.turn, frame.gen) == (running.turn, running.gen):
        start = frame.i or 0
    recovered = running.chunks is not None and len(running.chunks) >= start
    left = running.chunks[start:] if running.chunks is not None and recovered else []
    return replies.Live(str(running.turn), running.gen, start, left), recovered

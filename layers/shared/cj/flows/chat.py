"""What a browser says on its socket: open, say, ping. Durable before it is visible."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cj.domain import replies
from cj.domain.frames import Message, Ping, Start
from cj.domain.ids import new_id
from cj.errors import IdConflict, NotFound, OutOfOrder, Overloaded
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from cj.domain.frames import Frame
    from cj.domain.replies import Reply
    from cj.domain.turns import Caller, Opened, Received
    from cj.ephemeral import Ephemeral
    from cj.logs import Journal
    from cj.push import Push, Worker
    from cj.store import Conversations, Turns

log = log_of(__name__)
TAIL = 15
SO_FAR_CHARS = 2_000  # of at most six bytes each: half a frame
WORKFLOW = "ad_hoc_support"
REFUSALS = {
    "not_found": NotFound,
    "id_conflict": IdConflict,
    "out_of_order": OutOfOrder,
    "overloaded": Overloaded,
}


@dataclass(frozen=True, slots=True)
class Chat:
    """One frame in, a stream of frames out."""

    conversations: Conversations
    turns: Turns
    ephemeral: Ephemeral
    push: Push
    forget: Callable[[str], Awaitable[None]]
    worker: Worker
    journal: Journal
    lease_s: float
    text_chars: int
    max_waiting: int

    async def receive(self, caller: Caller, frame: Frame) -> None:
        """Returns when the frame has its answer; CJ's own answer comes from the worker."""
        match frame:
            case Start():
                await self._open(caller, frame)
            case Message():
                await self._say(caller, frame)
            case Ping():
                await self.push.post(caller.connection_id, replies.pong(str(frame.id)))

    async def _open(self, caller: Caller, frame: Start) -> None:
        opened = await self.conversations.open(
            caller.owner_id,
            frame.cid,
            connection_id=caller.connection_id,
            new_id=new_id(),
            workflow=WORKFLOW,
            tail=TAIL,
            after_seq=frame.after_seq,
            next_turn=new_id(),
            lease=timedelta(seconds=self.lease_s),
        )
        if opened is None:
            raise NotFound
        await self.ephemeral.watch(opened.cid, caller.connection_id)
        ready = self._ready(frame, opened, await self._so_far(opened))
        await asyncio.gather(
            self._tell({caller.connection_id}, ready),
            self._settle(opened.cid, opened, besides=caller.connection_id),
        )

    async def _so_far(self, opened: Opened) -> Reply:
        """The running turn and what it has said; `i` is the chunk that comes next."""
        if opened.turn is None or opened.fence is None:
            return {}
        chunks = await self.ephemeral.chunks(opened.cid, opened.turn, opened.fence)
        text = "".join(chunks)
        if len(text) > SO_FAR_CHARS:  # would leave no room; the finished message repairs it
            return {}
        told = {"id": str(opened.turn), "gen": opened.fence, "i": len(chunks), "text": text}
        return {"turn": told}

    def _ready(self, frame: Start, opened: Opened, so_far: Reply) -> Reply:
        ready = {
            **so_far,
            "type": "ready",
            "re": str(frame.id),
            "cid": str(opened.cid),
            "workflow": opened.workflow,
            "requirements": [],
            "connected": {"shop": None},
            "ui": [],
            "last_seq": opened.last_seq,
            "more": opened.more,
            "unsaved": [],
            "limits": {"text": self.text_chars},
            "degraded": [],
        }
        messages = [message.public() for message in opened.messages]
        return replies.fit(ready, messages, newest=frame.after_seq is None)

    async def _say(self, caller: Caller, frame: Message) -> None:
        received = await self.turns.receive(
            frame.cid,
            caller.owner_id,
            message_id=new_id(),
            client_id=frame.id,
            prev=frame.prev,
            text=frame.text,
            turn=new_id(),
            lease=timedelta(seconds=self.lease_s),
            max_waiting=self.max_waiting,
        )
        self.journal.note(cid=str(frame.cid), turn=received.turn and str(received.turn))
        log.info("message received", extra={"outcome": received.outcome, "seq": received.seq})
        refusal = REFUSALS.get(received.outcome)
        if refusal is not None:
            await self._settle(frame.cid, received)
            raise refusal
        self.journal.count("MessagesReceived", received.outcome == "new")
        await asyncio.gather(
            self._tell({caller.connection_id}, _ack(frame, received)),
            self._tell_other_tabs(caller, frame, received),
            self._settle(frame.cid, received),
        )

    async def _settle(self, cid: UUID, seen: Opened | Received, besides: str | None = None) -> None:
        """Whoever touches a conversation keeps its turns going and tells of one that died."""
        if seen.invoke and seen.turn is not None and seen.fence is not None:
            await self.worker.wake(cid, seen.turn, seen.fence, self.journal.correlation_id)
        if seen.ended is not None:
            others = set(seen.connections) - {besides}
            await self._tell(others, replies.message(str(cid), seen.ended.public()))

    async def _tell(self, connections: set[str], frame: Reply) -> None:
        for gone in await self.push.broadcast(connections, frame):
            await self.forget(gone)

    async def _tell_other_tabs(self, caller: Caller, frame: Message, received: Received) -> None:
        others = set(received.connections) - {caller.connection_id}
        if received.outcome == "new" and others:
            said = {
                "id": str(received.message_id),
                "client_id": str(frame.id),
                "seq": received.seq,
                "role": "user",
                "text": frame.text,
                "created_at": received.created_at and received.created_at.isoformat(),
                "status": "complete",
            }
            await self._tell(others, replies.message(str(frame.cid), said))


def _ack(frame: Message, received: Received) -> Reply:
    return {
        "type": "ack",
        "re": str(frame.id),
        "cid": str(frame.cid),
        "message_id": str(received.message_id),
        "seq": received.seq,
        "turn": str(received.turn) if received.turn else None,
        "dup": received.outcome == "dup",
        "durable": True,
    }

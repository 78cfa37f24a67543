"""What a browser says on its socket. Durable before it is visible; while PostgreSQL is away, kept
in Redis and told so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cj.domain import replies
from cj.domain.frames import Message, OauthComplete, Ping, Resume, Retry, Start, Stop
from cj.domain.ids import new_id
from cj.domain.messages import Message as Row
from cj.errors import (
    Busy,
    IdConflict,
    NotFound,
    OutOfOrder,
    Overloaded,
    RateLimited,
    StorageDegraded,
    StoreUnavailable,
    Unfit,
)
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cj.domain.frames import Frame
    from cj.domain.replies import Reply
    from cj.domain.turns import Caller, Received
    from cj.ephemeral import Limits, Live, Outage, Rate, Recent
    from cj.flows.connect import Door
    from cj.flows.drain import Drain
    from cj.flows.opening import Opening
    from cj.flows.outreach import Outreach
    from cj.flows.unsaved import Unsaved
    from cj.store import Turns

log = log_of(__name__)
REFUSALS = {
    "not_found": NotFound,
    "id_conflict": IdConflict,
    "out_of_order": OutOfOrder,
    "overloaded": Overloaded,
    "busy": Busy,
    "unfit": Unfit,
}


@dataclass(frozen=True, slots=True)
class Chat:
    """One frame in, a stream of frames out."""

    door: Door
    opening: Opening
    unsaved: Unsaved
    turns: Turns
    live: Live
    recent: Recent
    limits: Limits
    outage: Outage
    drain: Drain
    outreach: Outreach
    message_rate: Rate
    lease_s: float
    max_waiting: int

    async def receive(self, caller: Caller, frame: Frame) -> None:
        """Returns when the frame has its answer; CJ's own answer comes from the worker.

        A conversation that is not there may have gone to the user whom its owner became: then
        Unauthenticated is raised, and the page comes back with its new cookie.
        """
        try:
            await self._answer(caller, frame)
        except NotFound:
            await self.door.still_lives(caller)
            raise

    async def _answer(self, caller: Caller, frame: Frame) -> None:
        match frame:
            case Start() | Resume() | OauthComplete():
                await self.opening.open(caller, frame)
            case Message() | Retry():
                await self._say(caller, frame)
            case Stop():
                await self._stop(caller, frame)
            case Ping():
                await self.outreach.push.post(caller.connection_id, replies.pong(str(frame.id)))

    async def _say(self, caller: Caller, frame: Message | Retry) -> None:
        wait_ms, away = await asyncio.gather(
            self.limits.take("messages", caller.owner_id, self.message_rate), self.outage.known()
        )
        if wait_ms:
            raise RateLimited(wait_ms)
        if not away:
            try:
                if await self.drain.run(frame.cid, caller.owner_id) != "speaking":
                    await self._make_durable(caller, frame)
                    return
            except StoreUnavailable:
                await self.outage.happened()
        if isinstance(frame, Retry):
            raise StorageDegraded
        if await self.unsaved.say(caller, frame):
            await self._give_back(caller)

    async def _make_durable(self, caller: Caller, frame: Message | Retry) -> None:
        received = await self.turns.receive(
            frame.cid,
            caller.owner_id,
            message_id=new_id(),
            client_id=frame.id,
            prev=frame.prev if isinstance(frame, Message) else None,
            text=frame.text,
            of=frame.of if isinstance(frame, Retry) else None,
            turn=new_id(),
            lease=timedelta(seconds=self.lease_s),
            max_waiting=self.max_waiting,
        )
        await self.outage.over()  # whatever it said
        told = {"turn": received.turn and str(received.turn), "cid": str(frame.cid)}
        self.outreach.journal.note(**told)
        log.info("message received", extra={"outcome": received.outcome, "seq": received.seq})
        refusal = REFUSALS.get(received.outcome)
        if refusal is not None:
            await self.outreach.settle(frame.cid, received)
            raise refusal
        if received.outcome == "dup":
            await self._give_back(caller)
        self.outreach.journal.count("MessagesReceived", received.outcome == "new")
        row = _row(frame, received)
        hides = _hides(frame, row)
        await asyncio.gather(
            self.outreach.tell([caller.connection_id], _ack(frame, received), *hides),
            self._tell_others(caller, frame, row, received, hides),
            self._remember(caller, frame, row, received),
            self.outreach.settle(frame.cid, received),
        )

    async def _give_back(self, caller: Caller) -> None:
        """A message that was here already is an offer made twice, not a message more."""
        await self.limits.give_back("messages", caller.owner_id, self.message_rate)

    async def _remember(
        self, caller: Caller, frame: Message | Retry, row: Row | None, received: Received
    ) -> None:
        if row is not None and received.workflow is not None:
            await self.recent.keep(frame.cid, caller.owner_id, received.workflow, [row])

    async def _tell_others(
        self,
        caller: Caller,
        frame: Message | Retry,
        row: Row | None,
        received: Received,
        hides: Sequence[Reply],
    ) -> None:
        """Other tabs see what was said, and what it hides."""
        if row is not None:
            others = set(received.connections) - {caller.connection_id}
            said = replies.message(str(frame.cid), row.public())
            await self.outreach.tell(others, said, *hides)

    async def _stop(self, caller: Caller, frame: Stop) -> None:
        """From any tab, through any process. The answer's end tells what became of it."""
        outcome = await self._ask_to_stop(caller, frame)
        await self.live.stop(frame.cid, frame.turn)
        ack: Reply = {"type": "ack", "re": str(frame.id), "cid": str(frame.cid)}
        ack |= {"turn": str(frame.turn), "message_id": None, "seq": None}
        ack |= {"dup": outcome == "over", "durable": True}
        await self.outreach.tell([caller.connection_id], ack)

    async def _ask_to_stop(self, caller: Caller, frame: Stop) -> str:
        """Raises NotFound unless the conversation is the caller's."""
        if not await self.outage.known():
            try:
                outcome = await self.turns.stop(frame.cid, caller.owner_id, frame.turn)
                await self.outage.over()
                if outcome is None:
                    raise NotFound
                return outcome
            except StoreUnavailable:
                await self.outage.happened()
        cached = await self.recent.read(frame.cid)
        if cached is None or cached.owner_id != caller.owner_id:  # from outside the two look alike
            raise StoreUnavailable("not open lately, or somebody else's")
        return "stopping"


def _row(frame: Message | Retry, received: Received) -> Row | None:
    """The row that this very call made durable."""
    if received.outcome != "new" or received.seq is None:
        return None
    assert received.message_id is not None and received.created_at is not None  # noqa: S101
    return Row(
        id=received.message_id,
        seq=received.seq,
        role="user",
        text=frame.text or "",
        created_at=received.created_at,
        status="complete",
        client_id=frame.id,
        control=received.control,
        supersedes_from=received.supersedes_from,
    )


def _hides(frame: Message | Retry, row: Row | None) -> Sequence[Reply]:
    """What every tab is told of rows that are hidden from now on."""
    if row is None or row.supersedes_from is None:
        return ()
    return (replies.superseded(str(frame.cid), row.supersedes_from, row.seq),)


def _ack(frame: Message | Retry, received: Received) -> Reply:
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

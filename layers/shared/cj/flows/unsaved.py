"""A message while PostgreSQL is away: kept in Redis, told so, answered, committed later."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cj.domain import replies
from cj.domain.entries import Entry
from cj.domain.ids import new_id
from cj.errors import (
    EphemeralUnavailable,
    IdConflict,
    OutOfOrder,
    Overloaded,
    StoreUnavailable,
)
from cj.flows.outreach import BUFFERED
from cj.logs import log_of

if TYPE_CHECKING:
    from cj.domain.frames import Message
    from cj.domain.replies import Reply
    from cj.domain.turns import Caller
    from cj.ephemeral import Buffer, Live, Said
    from cj.flows.outreach import Outreach

log = log_of(__name__)
REFUSALS = {
    # Only chats that were open lately go on. From outside missing and foreign look alike.
    "not_open": StoreUnavailable,
    "not_found": StoreUnavailable,
    "id_conflict": IdConflict,
    "out_of_order": OutOfOrder,
    "overloaded": Overloaded,
}


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Accepted, not durable: lost only if Redis and the tab both die before PostgreSQL is back."""

    buffer: Buffer
    live: Live
    outreach: Outreach
    max_waiting: int

    async def say(self, caller: Caller, frame: Message) -> bool:
        """Returns when the message is kept and acknowledged; True: it was here already.

        Raises StoreUnavailable when Redis is away too.
        """
        entry = Entry(
            kind="input",
            id=new_id(),
            client_id=frame.id,
            text=frame.text,
            at=datetime.now(UTC),
        )
        try:
            said = await self.buffer.say(
                frame.cid, caller.owner_id, entry, frame.prev, self.max_waiting
            )
        except EphemeralUnavailable as error:
            raise StoreUnavailable("neither store is there") from error
        log.info("message buffered", extra={"outcome": said.outcome})
        refusal = REFUSALS.get(said.outcome)
        if refusal is not None:
            raise refusal
        self.outreach.journal.count("MessagesBuffered", said.outcome == "new")
        await asyncio.gather(
            self.outreach.tell([caller.connection_id], _ack(frame, said)),
            self._tell_others(caller, frame, entry, said),
            self._wake(frame, said),
        )
        return said.outcome == "dup"

    async def _tell_others(self, caller: Caller, frame: Message, entry: Entry, said: Said) -> None:
        if said.outcome == "new":
            others = await self.live.watchers(frame.cid) - {caller.connection_id}
            await self.outreach.tell(others, replies.message(str(frame.cid), entry.public()))

    async def _wake(self, frame: Message, said: Said) -> None:
        if said.wake:
            await self.outreach.wake(frame.cid, new_id(), BUFFERED)


def _ack(frame: Message, said: Said) -> Reply:
    return {
        "type": "ack",
        "re": str(frame.id),
        "cid": str(frame.cid),
        "message_id": str(said.message_id),
        "seq": said.seq,
        "turn": None,
        "dup": said.outcome == "dup",
        "durable": said.seq is not None,
    }

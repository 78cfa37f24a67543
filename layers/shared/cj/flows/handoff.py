"""From the installation to the first message: one function hands over, the other makes CJ greet.

The greeting is an ordinary turn with a hidden trigger for its input. The trigger's id follows from
the conversation, so that whoever asks for the greeting, and however often, there is one.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cj.domain import replies
from cj.domain.handoffs import trigger_id
from cj.domain.ids import new_id
from cj.domain.messages import Message
from cj.errors import CJError, NotFound, Overloaded, StorageDegraded
from cj.flows.connect import from_postgresql
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from cj.domain.handoffs import OAuthHandoffRequest
    from cj.domain.turns import Received
    from cj.ephemeral import Outage, Recent
    from cj.flows.drain import Drain
    from cj.flows.outreach import Outreach
    from cj.internal_api import InternalApi
    from cj.logs import Journal
    from cj.store import People, Turns

log = log_of(__name__)
INITIATE = "/internal/session/initiate"
BUDGET_S = 6
GREETING_S = 5
LOOK_AGAIN_S = 0.15


@dataclass(frozen=True, slots=True)
class HandOff:
    """The installation's side."""

    api: InternalApi
    journal: Journal
    budget_s: float = BUDGET_S

    async def tell(self, request: OAuthHandoffRequest) -> None:
        """Returns in time and never raises: what was not done now is done when the page opens."""
        body = request.model_dump_json().encode()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.budget_s):
                await self.api.post(INITIATE, body, self.journal.correlation_id)
        except Exception as error:  # of whatever kind: the merchant goes on to the chat
            log.critical("hand-off failed", extra={"kind": type(error).__name__, "why": str(error)})
            self.journal.count("HandOffFailed")
            return
        log.info("handed off", extra={"shop": request.shop_domain})
        self.journal.took("HandOff", (time.monotonic() - began) * 1000)


@dataclass(frozen=True, slots=True)
class Greeting:
    """The side of whoever makes CJ greet: the internal call, and the page that opens."""

    people: People
    turns: Turns
    recent: Recent
    outage: Outage
    drain: Drain
    outreach: Outreach
    lease_s: float
    max_waiting: int
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def prepare(self, request: OAuthHandoffRequest, asked_at: float) -> bool:
        """Whether CJ has greeted; else the greeting is still on its way.

        Waits for it until five seconds after `asked_at`, on the wall clock: whoever asked waits
        little longer, and has waited for this process to start. Raises NotFound for a shop nobody
        knows and for a conversation that is not its user's.
        """
        cid, shop = request.conversation_id, request.shop_domain
        owner_id = await from_postgresql(self.outage, lambda: self.people.owner_in_shop(shop, cid))
        if owner_id is None:
            raise NotFound
        if await self.drain.run(cid) == "speaking":
            raise StorageDegraded
        seq = await self._trigger(cid, owner_id)
        return await self._greeted(cid, seq, asked_at + GREETING_S)

    async def offer(self, cid: UUID, owner_id: str) -> None:
        """For a page that opens: if nobody did yet. Never raises: the next page asks again."""
        try:
            await self._trigger(cid, owner_id)
        except CJError as error:
            log.warning("no greeting yet", extra={"code": error.code})

    async def _trigger(self, cid: UUID, owner_id: str) -> int:
        """Returns when the trigger is durable and its turn on its way; gives its seq."""
        received = await self.turns.receive(
            cid,
            owner_id,
            message_id=new_id(),
            client_id=trigger_id(cid),
            prev=None,
            text="",
            turn=new_id(),
            lease=timedelta(seconds=self.lease_s),
            max_waiting=self.max_waiting,
            control="trigger",
        )
        log.info("greeting asked for", extra={"outcome": received.outcome, "cid": str(cid)})
        await self.outreach.settle(cid, received)
        if received.seq is None:
            raise NotFound if received.outcome == "not_found" else Overloaded
        if received.outcome == "new":
            await self._tell(cid, owner_id, received)
        return received.seq

    async def _tell(self, cid: UUID, owner_id: str, received: Received) -> None:
        """Whoever looks on learns of the hidden row: a hole in seq means that one was missed."""
        assert received.message_id and received.seq and received.created_at  # noqa: S101
        row = Message(
            id=received.message_id,
            seq=received.seq,
            role="system",
            text="",
            created_at=received.created_at,
            status="complete",
            client_id=trigger_id(cid),
            control="trigger",
        )
        await self.recent.keep(cid, owner_id, received.workflow or "", [row])
        await self.outreach.tell(received.connections, replies.message(str(cid), row.public()))

    async def _greeted(self, cid: UUID, seq: int, ends: float) -> bool:
        while not await self.people.is_answered(cid, seq):
            if self.clock() + LOOK_AGAIN_S > ends:
                return False
            await self.sleep(LOOK_AGAIN_S)
        return True

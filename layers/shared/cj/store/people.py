"""Who people are: sign-ins that were begun, what an installation leaves behind, and events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cj.domain.ids import new_id, user_id
from cj.domain.shops import shop_name
from cj.store.queries import named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from cj.store.database import Database
    from cj.store.integrations import SealedTokens


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that was begun; `merchant` is the shop's, if it was here before."""

    conversation_id: UUID | None
    return_to: str | None
    merchant: UUID | None


@dataclass(frozen=True, slots=True)
class NewSession:
    """The session that begins, and the one in whose place it comes."""

    token_hash: str
    until: datetime
    old_hash: str


@dataclass(frozen=True, slots=True)
class Installed:
    """What there is now. `claimed` were anonymous; `connections` were opened with the old session,
    and on those in `listening` a running turn may speak yet.
    """

    user_id: str
    is_new: bool
    conversation_id: UUID
    claimed: tuple[UUID, ...]
    connections: tuple[str, ...]
    listening: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OtherMerchant:
    """Nothing was written: the shop's merchant has this id, so seal for that. None: it vanished."""

    merchant: UUID | None


@dataclass(frozen=True, slots=True)
class People:
    """Sign-ins, users, events."""

    db: Database

    async def keep_state(
        self,
        state_hash: str,
        shop: str,
        session_hash: str,
        until: datetime,
        *,
        conversation_id: UUID | None,
        return_to: str | None,
    ) -> None:
        """A sign-in begins. Only the state's hash is kept."""
        query = named("keep_oauth_state")
        given = (state_hash, shop, session_hash, conversation_id, return_to, until)
        await self.db.execute(query, *given)

    async def take_state(self, state_hash: str, session_hash: str, shop: str) -> SignIn | None:
        """The sign-in, which nobody can take again; None: not of this browser and shop, over, or
        taken.
        """
        row = await self.db.row(named("take_oauth_state"), state_hash, session_hash, shop)
        if row is None:
            return None
        return SignIn(row["conversation_id"], row["return_to"], row["merchant_id"])

    async def install(
        self,
        shop: str,
        merchant: UUID,
        tokens: SealedTokens,
        session: NewSession,
        *,
        wanted: UUID | None,
        new_conversation: UUID,
        workflow: str,
        events: tuple[UUID, UUID],
    ) -> Installed | OtherMerchant:
        """Returns after COMMIT. `tokens` are sealed for `merchant`."""
        row = await self.db.row(
            named("install_shop"),
            *(shop, shop_name(shop), merchant, tokens.api_key, tokens.refresh_token),
            *(tokens.expires_at, tokens.refresh_expires_at, tokens.scopes),
            [user_id(shop, digits) for digits in (8, 12, 16)],
            *(session.old_hash, session.token_hash, session.until),
            *(wanted, new_conversation, workflow, list(events)),
        )
        assert row is not None  # noqa: S101 - a function without SETOF gives exactly one
        if row["o_user"] is None:
            return OtherMerchant(row["o_merchant"])
        return Installed(
            user_id=row["o_user"],
            is_new=row["o_new"],
            conversation_id=row["o_cid"],
            claimed=tuple(row["o_claimed"]),
            connections=tuple(row["o_connections"]),
            listening=tuple(row["o_listening"]),
        )

    async def owner_in_shop(self, shop: str, cid: UUID) -> str | None:
        """The user of the shop, if the conversation is theirs."""
        row = await self.db.row(named("owner_in_shop"), shop, cid)
        return None if row is None else row["owner_id"]

    async def is_answered(self, cid: UUID, seq: int) -> bool:
        """Whether CJ has said something to the input `seq`."""
        row = await self.db.row(named("is_answered"), cid, seq)
        return row is not None and bool(row["answered"])

    async def record(self, kind: str, data: Mapping[str, Any], user: str | None = None) -> None:
        """An event."""
        await self.db.execute(named("record_event"), new_id(), user, kind, dict(data))

"""Who speaks on a connection, and which sessions are live, as PostgreSQL said lately."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from cj.domain.ids import new_id
from cj.domain.turns import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from cj.ephemeral.client import Ephemeral

FRESH_S = 30
STALE_S = 15 * 60  # accepted only while PostgreSQL cannot be reached
KEPT_S = 2 * 3600

# KEYS: 1 conn:<id>
# ARGV: 1 seconds to keep, then the fields and their values
REMEMBER_CONNECTION = """
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""

# KEYS: 1 sess:<hash>
# ARGV: 1 seconds to keep, then the fields and their values
# What was revoked stays so.
REMEMBER_SESSION = """
if redis.call('HEXISTS', KEYS[1], 'revoked') == 0 then
    redis.call('HSET', KEYS[1], unpack(ARGV, 2))
    redis.call('EXPIRE', KEYS[1], ARGV[1])
end
"""

# KEYS: 1 sess:<hash>
# ARGV: 1 seconds to keep
# Whose it was is not kept: the user may be deleted next.
REVOKE = """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'revoked', '1')
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""

# KEYS: 1 conn:<id>
# ARGV: 1 seconds to keep, 2 an id of this call: sent twice, it counts once
BAD_FRAME = """
if redis.call('HGET', KEYS[1], 'bad_call') ~= ARGV[2] then
    redis.call('HINCRBY', KEYS[1], 'bad', 1)
    redis.call('HSET', KEYS[1], 'bad_call', ARGV[2])
    redis.call('EXPIRE', KEYS[1], ARGV[1])
end
return tonumber(redis.call('HGET', KEYS[1], 'bad'))
"""


@dataclass(frozen=True, slots=True)
class KnownSession:
    """What PostgreSQL said of a session `age_s` ago."""

    owner_id: str
    user_id: str | None
    age_s: float
    revoked: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A caller, and how far that is to be trusted: `age_s` is infinite for an unknown session.

    `confirmed`: PostgreSQL knows the connection too.
    """

    caller: Caller
    age_s: float
    revoked: bool
    bad_frames: int
    watching: UUID | None
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Callers:
    """Connections and sessions. A Redis that is away knows nobody and remembers nothing."""

    redis: Ephemeral
    clock: Callable[[], float] = time.time
    call_id: Callable[[], UUID] = new_id

    async def remember(self, caller: Caller, confirmed: bool = True) -> None:
        """PostgreSQL said just now that this is who speaks and that the session is live.

        Not `confirmed`: it is away, and only Redis knows of the connection; the session's age
        stays what it was.
        """
        who = ("owner", caller.owner_id, "user", caller.user_id or "")
        connection = (*who, "session", caller.token_hash, "confirmed", int(confirmed))
        conn, sess = f"conn:{caller.connection_id}", f"sess:{caller.token_hash}"
        writes = [self.redis.do("EVAL", REMEMBER_CONNECTION, 1, conn, KEPT_S, *connection)]
        if confirmed:
            live = (*who, "at", f"{self.clock():.3f}")
            writes.append(self.redis.do("EVAL", REMEMBER_SESSION, 1, sess, KEPT_S, *live))
        await asyncio.gather(*writes)

    async def find(self, connection_id: str) -> Known | None:
        """Who speaks on this connection; None: ask PostgreSQL."""
        found, at = await asyncio.gather(
            self.redis.do("HGETALL", f"conn:{connection_id}"),
            self.redis.do("GET", f"at:{connection_id}"),
        )
        if not found or "session" not in found:
            return None
        session = await self.session(found["session"])
        watching = UUID(at.split()[0]) if at else None
        return Known(
            Caller(
                connection_id, found["owner"], found["user"] or None, found["session"], watching
            ),
            age_s=float("inf") if session is None else session.age_s,
            revoked=session is not None and session.revoked,
            bad_frames=int(found.get("bad", 0)),
            watching=watching,
            confirmed=found["confirmed"] == "1",
        )

    async def session(self, token_hash: str) -> KnownSession | None:
        """What is known of a session; None: ask PostgreSQL."""
        found = await self.redis.do("HGETALL", f"sess:{token_hash}")
        if not found:
            return None
        age_s = max(0.0, self.clock() - float(found["at"])) if "at" in found else float("inf")
        owner_id, user_id = found.get("owner", ""), found.get("user") or None
        return KnownSession(owner_id, user_id, age_s, "revoked" in found)

    async def revoke(self, token_hash: str) -> None:
        """A tombstone: whatever anybody remembers later, this session is over."""
        await self.redis.do("EVAL", REVOKE, 1, f"sess:{token_hash}", KEPT_S)

    async def forget(self, connection_id: str) -> None:
        """The connection is gone."""
        await self.redis.do("DEL", f"conn:{connection_id}")

    async def bad_frame(self, connection_id: str) -> int:
        """One more in a row that nobody could understand: how many by now, as far as known."""
        key = f"conn:{connection_id}"
        return int(await self.redis.do("EVAL", BAD_FRAME, 1, key, KEPT_S, str(self.call_id())) or 0)

    async def good_frame(self, connection_id: str) -> None:
        """The row of bad ones is over."""
        await self.redis.do("HDEL", f"conn:{connection_id}", "bad")

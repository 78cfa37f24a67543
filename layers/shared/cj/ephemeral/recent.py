"""The newest messages of a conversation, as PostgreSQL has them. Staleness is seen by seq."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.domain.messages import message_from_json, message_to_json
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from cj.domain.messages import Message
    from cj.ephemeral.client import Ephemeral

log = log_of(__name__)

# KEYS: 1 messages, 2 conversation
READ = """
return {redis.call('HMGET', KEYS[2], 'owner', 'workflow'), redis.call('LRANGE', KEYS[1], 0, -1)}
"""

# The seq of the newest message: 0 if there is none, -1 if nobody can read it.
_HEAD = """
local function head_of(messages)
    local newest = redis.call('LINDEX', messages, 0)
    if not newest then return 0 end
    local read, message = pcall(cjson.decode, newest)
    return read and type(message) == 'table' and tonumber(message.seq) or -1
end
local function keep()
    redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
    if ARGV[5] == '1' then
        redis.call('HSET', KEYS[2], 'owner', ARGV[3], 'workflow', ARGV[4])
    end
    redis.call('EXPIRE', KEYS[1], ARGV[1])
    redis.call('EXPIRE', KEYS[2], ARGV[1])
end
"""

# KEYS: 1 messages, 2 conversation, 3 its tombstone: what was deleted meanwhile stays deleted
# ARGV: 1 seconds to keep, 2 messages to keep, 3 owner, 4 workflow, 5 1 if these two are sure, then
#       seq and JSON, ascending
# Each follows the newest or is there already; where one is missing the list is not worth keeping.
KEEP = f"""{_HEAD}
if redis.call('EXISTS', KEYS[3]) == 1 then return end
if ARGV[5] == '0' and redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('DEL', KEYS[1], KEYS[2])
    return
end
local head = head_of(KEYS[1])
for i = 6, #ARGV, 2 do
    local seq = tonumber(ARGV[i])
    if seq == head + 1 then
        redis.call('LPUSH', KEYS[1], ARGV[i + 1])
        head = seq
    elseif seq > head then
        redis.call('DEL', KEYS[1])
        break
    end
end
keep()
"""

# KEYS and ARGV as above
# Replaces the list unless somebody kept a newer message meanwhile.
FILL = f"""{_HEAD}
if redis.call('EXISTS', KEYS[3]) == 1 then return end
local newest = #ARGV > 5 and tonumber(ARGV[#ARGV - 1]) or 0
if head_of(KEYS[1]) <= newest then
    redis.call('DEL', KEYS[1])
    for i = 6, #ARGV, 2 do redis.call('LPUSH', KEYS[1], ARGV[i + 1]) end
end
keep()
"""


@dataclass(frozen=True, slots=True)
class Cached:
    """A conversation as it was lately, its newest messages in order."""

    owner_id: str
    workflow: str
    messages: list[Message]

    @property
    def last_seq(self) -> int:
        """The newest message's."""
        return self.messages[-1].seq if self.messages else 0


@dataclass(frozen=True, slots=True)
class Recent:
    """What the cache holds of conversations. A Redis that is away holds nothing."""

    redis: Ephemeral
    ttl_s: int
    limit: int

    async def read(self, cid: UUID) -> Cached | None:
        """What is known; None: not open lately."""
        found = await self.redis.do("EVAL", READ, 2, *_keys(cid))
        if found is None or found[0][0] is None:
            return None
        (owner_id, workflow), rows = found
        messages = read_rows(rows)
        return None if messages is None else Cached(owner_id, workflow, messages)

    async def keep(
        self,
        cid: UUID,
        owner_id: str,
        workflow: str,
        messages: Sequence[Message],
        *,
        known_only: bool = False,
    ) -> None:
        """These were committed, in this order. What does not follow empties the cache.

        Known only: the owner may be another by now; messages are added to what is known.
        """
        await self._write(KEEP, cid, owner_id, workflow, not known_only, messages)

    async def fill(
        self, cid: UUID, owner_id: str, workflow: str, messages: Sequence[Message]
    ) -> None:
        """PostgreSQL just said that these are the newest ones, oldest first, none missing."""
        await self._write(FILL, cid, owner_id, workflow, True, messages)

    async def forget(self, cid: UUID) -> None:
        """Nothing is known of it any more."""
        await self.redis.do("DEL", *_keys(cid))

    async def _write(
        self,
        script: str,
        cid: UUID,
        owner_id: str,
        workflow: str,
        begins: bool,
        messages: Sequence[Message],
    ) -> None:
        how = (self.ttl_s, self.limit, owner_id, workflow, int(begins))
        keys = (*_keys(cid), f"{{{cid}}}:gone")
        await self.redis.do("EVAL", script, len(keys), *keys, *how, *_rows(messages))


def read_rows(rows: Sequence[str]) -> list[Message] | None:
    """Messages in order from the cache's rows, newest first; None: they cannot be read."""
    try:
        return [message_from_json(json.loads(row)) for row in reversed(rows)]
    except (ValueError, TypeError, AttributeError):
        log.warning("cached messages cannot be read")
        return None


def _keys(cid: UUID) -> tuple[str, str]:
    return f"{{{cid}}}:msgs", f"{{{cid}}}:conv"


def _rows(messages: Sequence[Message]) -> Iterator[int | str]:
    for message in messages:
        yield message.seq
        yield json.dumps(message_to_json(message))

"""Redis: everything here may vanish at any moment, and nothing correct depends on it.

Every key is made in this package, all keys of a conversation carry the tag {cid} so that a
cluster keeps them together, and every script declares its keys. redis-py may send a command again
after a reconnect, so every write may be repeated.
"""

from cj.ephemeral.buffer import Buffer, Finished, Held, Pending, Said, Work
from cj.ephemeral.callers import FRESH_S, STALE_S, Callers, Known, KnownSession
from cj.ephemeral.client import Ephemeral, connect
from cj.ephemeral.erasure import Erasure
from cj.ephemeral.limits import Limits, Rate
from cj.ephemeral.live import Heard, Live
from cj.ephemeral.outage import Outage
from cj.ephemeral.recent import Cached, Recent

__all__ = [
    "FRESH_S",
    "STALE_S",
    "Buffer",
    "Cached",
    "Callers",
    "Ephemeral",
    "Erasure",
    "Finished",
    "Heard",
    "Held",
    "Known",
    "KnownSession",
    "Limits",
    "Live",
    "Outage",
    "Pending",
    "Rate",
    "Recent",
    "Said",
    "Work",
    "connect",
]

"""PostgreSQL, the truth: named queries over one held connection."""

from cj.store.connections import Connections
from cj.store.conversations import Conversations
from cj.store.database import Database
from cj.store.deliveries import Deliveries
from cj.store.people import People
from cj.store.sessions import Sessions
from cj.store.sweep import Sweep
from cj.store.turns import Turns

__all__ = [
    "Connections",
    "Conversations",
    "Database",
    "Deliveries",
    "People",
    "Sessions",
    "Sweep",
    "Turns",
]

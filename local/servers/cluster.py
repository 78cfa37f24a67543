"""Three Valkey nodes that form a cluster, for the tests: a key in the wrong slot shows here."""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from redis import Redis

from local.servers.process import ServerError
from local.servers.valkey import Valkey

if TYPE_CHECKING:
    from pathlib import Path

    from local.servers.found import Found

_SLOTS = (0, 5461, 10923, 16384)
_FORMED_S = 20.0
_POLL_S = 0.02
_SETTINGS = {
    "cluster-enabled": "yes",
    "cluster-config-file": "nodes.conf",
    "cluster-node-timeout": "2000",
}


class Cluster:
    """Three masters without replicas, each with a third of the slots."""

    def __init__(self, home: Path, *, found: Found | None = None) -> None:
        first = Valkey(home / "1", found=found, settings=_SETTINGS)
        self._nodes = [first]
        for name in "23":
            node = Valkey(
                home / name, found=first.found, settings=_SETTINGS, password=first.password
            )
            self._nodes.append(node)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            clients = []
            for node in self._nodes:
                node.folder.joinpath("nodes.conf").unlink(missing_ok=True)
                starting.enter_context(node)
                clients.append(
                    starting.enter_context(Redis.from_url(node.url, decode_responses=True))
                )
            self._form(clients)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def url(self) -> str:
        """Where the first node is; a cluster client finds the others."""
        return self._nodes[0].url

    @property
    def urls(self) -> list[str]:
        """Where each node is."""
        return [node.url for node in self._nodes]

    def _form(self, clients: list[Redis]) -> None:
        for epoch, (client, (first, end)) in enumerate(
            zip(clients, pairwise(_SLOTS), strict=True), start=1
        ):
            client.cluster("ADDSLOTSRANGE", first, end - 1)
            # Different from the start, or the nodes spend a second on agreeing who is the newer.
            client.cluster("SET-CONFIG-EPOCH", epoch)
        for node in self._nodes[1:]:
            clients[0].cluster("MEET", "127.0.0.1", node.port)
        deadline = time.monotonic() + _FORMED_S
        while not all(map(_whole, clients)):
            if time.monotonic() > deadline:
                raise ServerError(f"The cluster did not form within {_FORMED_S:.0f} s.")
            time.sleep(_POLL_S)


def _whole(client: Redis) -> bool:
    info = dict(client.cluster("INFO"))
    return bool(
        info["cluster_state"] == "ok"
        and info["cluster_known_nodes"] == str(len(_SLOTS) - 1)
        and info["cluster_slots_assigned"] == str(_SLOTS[-1])
    )

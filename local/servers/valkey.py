"""An embedded Valkey or Redis. What is in it may vanish at any moment, so it is never saved."""

from __future__ import annotations

import secrets
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from local.servers.account import Account, handle, own, server_account
from local.servers.found import Found, find_redis
from local.servers.process import Process, ServerError, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_READY_S = 10.0
_ATTEMPTS = 3  # a free port may be taken before the server gets to it
# The bus of a cluster listens 10,000 above.
_CLUSTER_PORTS_BELOW = 55_000


class Valkey:
    """A server on loopback with a password of its own. It starts empty and saves nothing.

    That is on purpose: PostgreSQL is the truth, and each restart shows that nothing else is needed.
    """

    def __init__(
        self,
        home: Path,
        *,
        found: Found | None = None,
        settings: Mapping[str, str] | None = None,
        password: str | None = None,
    ) -> None:
        """`home` gets its log and its data; `settings` are further lines of its configuration."""
        self.found = found or find_redis()
        self.password = password or secrets.token_urlsafe(24)
        self._settings = dict(settings or {})
        home = home.absolute()
        self.folder = home / "data"  # the server's own
        self.log = home / "valkey.log"
        self._process: Process | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Ready for connections when this returns. Raises ServerError, and nothing is left."""
        account = server_account()
        self._process = self._started(self.found.runnable_by(account), account)

    def stop(self) -> None:
        """Gone when this returns. There is nothing to save, so there is nothing to wait for."""
        if self._process:
            self._process.stop((signal.SIGTERM, 2.0))
            self._process = None

    def alive(self) -> bool:
        """Whether it still runs, once it was started."""
        return self._process is not None and self._process.alive()

    @property
    def pid(self) -> int | None:
        """The server's, while it runs."""
        return self._process.pid if self._process else None

    @property
    def url(self) -> str:
        """Where it is, with its password."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def _started(self, program: Path, account: Account | None) -> Process:
        clustered = self._settings.get("cluster-enabled") == "yes"
        for _ in range(_ATTEMPTS):
            self.port = free_port(_CLUSTER_PORTS_BELOW if clustered else 65_536)
            process = self._launched(program, account)
            if process.wait_until(self._ready, within_s=_READY_S):
                return process
            process.stop((signal.SIGTERM, 1.0))
            if "in use" not in process.log.read_text(errors="replace"):
                break
        raise ServerError(f"{program.name} did not start:\n{process.last_words()}")

    def _launched(self, program: Path, account: Account | None) -> Process:
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        own(self.folder, account)
        with handle(self.folder, account) as folder:
            return Process(
                [program, "-"],
                account=account,
                log=self.log,
                descriptors=folder.descriptors,
                given=self._configuration(folder.name).encode(),
            )

    def _configuration(self, folder: Path) -> str:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self.password,  # on standard input: a command line is public
            "dir": str(folder),
            "save": '""',
            "appendonly": "no",
            **self._settings,
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _ready(self, _pid: int) -> bool:
        """Only the server that knows this password says OK, whoever else took the port."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0) as probe:
            probe.sendall(f"AUTH {self.password}\r\n".encode())
            return probe.recv(3) == b"+OK"
        return False

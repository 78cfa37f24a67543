"""An embedded PostgreSQL on a folder of its own: started, asked for its addresses, stopped."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Self

from local.servers.account import Account, handle, server_account
from local.servers.found import Found, find_postgres
from local.servers.lock import FolderLock
from local.servers.postgres_folder import APP, DATABASE, OWNER, SUPERUSER, data_in, prepare
from local.servers.process import Process, ServerError, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_READY_S = 60.0  # after a crash it reads its log first
_ATTEMPTS = 3  # a free port may be taken before PostgreSQL gets to it
_UNIX_PATH_BYTES = 107
_FAST, _IMMEDIATE = signal.SIGINT, signal.SIGQUIT
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """A server on loopback. Its data outlives it in `home`; the process never outlives ours."""

    def __init__(self, home: Path, *, found: Found | None = None, fsync: bool = True) -> None:
        """`fsync=False` is for tests: a power cut would lose the data."""
        self.found = found or find_postgres()
        self._home = home.absolute()
        self.log = self._home / "postgres.log"
        self._lock = FolderLock(self._home)
        self._fsync = fsync
        self._passwords: Mapping[str, str] = {}
        self._process: Process | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Ready for connections when this returns. Raises ServerError, and nothing is left."""
        if not self._lock.take():
            raise ServerError(f"{self._home} is in use by another process.")
        try:
            account = server_account()
            program = self.found.runnable_by(account)
            self._passwords = prepare(self._home, self.found, program, account, sync=self._fsync)
            self._process = self._started(program, account)
        except BaseException:
            self._lock.release()
            raise

    def stop(self) -> None:
        """Ends every session, writes what is to be written, and is gone when this returns."""
        if self._process:
            self._process.stop((_FAST, 10.0), (_IMMEDIATE, 3.0))
            self._process = None
        self._lock.release()

    def alive(self) -> bool:
        """Whether it still runs, once it was started."""
        return self._process is not None and self._process.alive()

    @property
    def pid(self) -> int | None:
        """The postmaster's, while it runs."""
        return self._process.pid if self._process else None

    @property
    def app_url(self) -> str:
        """For the role that owns nothing."""
        return self.url(APP)

    @property
    def owner_url(self) -> str:
        """For the role that owns the database."""
        return self.url(OWNER)

    @property
    def superuser_url(self) -> str:
        """For tests, which make databases."""
        return self.url(SUPERUSER, "postgres")

    def url(self, role: str, database: str = DATABASE) -> str:
        """Where this role finds this database."""
        return f"postgresql://{role}:{self._passwords[role]}@127.0.0.1:{self.port}/{database}"

    def _started(self, program: Path, account: Account | None) -> Process:
        for _ in range(_ATTEMPTS):
            self.port = free_port()
            process = self._launched(program, account)
            if process.wait_until(self._ready, within_s=_READY_S):
                return process
            process.stop((_IMMEDIATE, 5.0))
            if "Address already in use" not in process.log.read_text(errors="replace"):
                break
        raise ServerError(f"PostgreSQL did not start:\n{process.last_words()}")

    def _launched(self, program: Path, account: Account | None) -> Process:
        with handle(data_in(self._home), account) as folder:
            return Process(
                [program, "-D", folder.name, *self._options(folder.name)],
                account=account,
                log=self.log,
                descriptors=folder.descriptors,
                killed_with=_FAST,
            )

    def _options(self, data: Path) -> list[str]:
        fits = len(f"{data}/.s.PGSQL.{self.port}") <= _UNIX_PATH_BYTES
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(data) if fits else "",
            "max_connections": "200",  # every process of a function holds one
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({} if self._fsync else _UNSAFE),
        }
        return [part for item in settings.items() for part in ("-c", "=".join(item))]

    def _ready(self, pid: int) -> bool:
        """What pg_ctl looks at: line 8 of a pid file whose first line is this very process."""
        try:
            lines = (data_in(self._home) / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

"""The folder where one machine's CJ keeps everything, and who is using it now."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.commands import CommandError
from local.servers.lock import FolderLock

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]
_MADE = ("postgres", "valkey", "shopify", "token-keys.json", "run.json", "run.new", "lock")


@dataclass(frozen=True, slots=True)
class State:
    """A running CJ, as `run.json` tells the other commands. It holds secrets: mode 0600."""

    pid: int
    port: int
    url: str
    credentials: Mapping[str, str]  # the operator's: access_key, secret_key, session_token
    functions: Mapping[str, str]  # a function's folder -> the name to invoke it by
    migration_url: str
    shopify_url: str = ""  # the simulated one, if there is


class DataFolder:
    """Used by one `cj` at a time; the lock ends with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.postgres = self.path / "postgres"
        self.valkey = self.path / "valkey"
        self.shopify = self.path / "shopify"
        self.token_keys = self.path / "token-keys.json"
        self._state = self.path / "run.json"
        self._lock = FolderLock(self.path)

    def take(self) -> None:
        """Raises CommandError with the other one's address when it is in use."""
        try:
            taken = self._lock.take()
        except OSError as error:
            raise CommandError(
                f"{self.path} cannot be used: {error.strerror}. Choose another with --data-dir."
            ) from None
        if not taken:
            raise CommandError(self._in_use())
        self.forget()

    def release(self) -> None:
        """For the next one."""
        self._lock.release()

    def tell(self, state: State) -> None:
        """From now on other commands find the running CJ, all of it or nothing."""
        new = self._state.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(state), file)
        new.rename(self._state)

    def forget(self) -> None:
        """Also what a killed one left behind."""
        self._state.unlink(missing_ok=True)

    def running(self) -> State | None:
        """The CJ that serves from this folder; None while there is none or it is still starting."""
        state = self._told()
        return None if state is None or self._is_free() else state

    def delete(self) -> list[Path]:
        """Deletes what `cj` made here, and nothing else; gives what stays. Take it first."""
        for name in _MADE:
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        rest = sorted(self.path.iterdir())
        if not rest:
            self.path.rmdir()
        return rest

    def _is_free(self) -> bool:
        probe = FolderLock(self.path)
        taken = probe.take()
        probe.release()
        return taken

    def _told(self) -> State | None:
        try:
            return State(**json.loads(self._state.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _in_use(self) -> str:
        state = self._told()
        where = f"by the CJ at {state.url} (pid {state.pid})" if state else "by another cj"
        return (
            f"{self.path} is in use {where}. Use that one, end it first, "
            "or choose another folder and port with --data-dir and --port."
        )

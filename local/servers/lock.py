"""One user of a folder at a time."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class FolderLock:
    """Held from `take` to `release`, or until this process is gone, however it goes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._held: int | None = None

    def take(self) -> bool:
        """False when another process, or another lock of this one, holds it. Makes the folder."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            return False
        self._held = opened
        return True

    def release(self) -> None:
        """Harmless when it is not held."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

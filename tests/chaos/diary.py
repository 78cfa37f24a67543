"""What each process of a function is doing right now, in a folder that outlives it.

A process that is stopped (SIGSTOP) can be looked up here and then killed: so it is known, and not
guessed, whether a fault hit a running turn.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tests.chaos.checker import Span
from tests.processes import lives

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "CHAOS_DIARY"  # the variable that names it


@dataclass(frozen=True)
class Doing:
    """What a process was doing when it last wrote."""

    pid: int
    function: str = ""
    busy: bool = False
    cid: str | None = None
    turn: str | None = None
    speaking_since: float | None = None


@dataclass
class Diary:
    """One process's own page of it."""

    folder: Path
    _now: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def doing(self, function: str, **what: str | None) -> Iterator[None]:
        """One invocation."""
        self._write({"function": function, "busy": True, **what})
        try:
            yield
        finally:
            self._write({"function": function})

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """A turn's model, from its first word on. The end is kept, too."""
        began = time.monotonic()
        self._write({**self._now, "speaking_since": began})
        self._span(began, None)
        try:
            yield
        finally:
            self._span(began, time.monotonic())

    def first_time(self, what: str) -> bool:
        """Whether no process has asked this before."""
        marker = self.folder / f"once-{sha256(what.encode()).hexdigest()[:16]}"
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _write(self, now: dict[str, Any]) -> None:
        """Whole or not at all: whoever reads may do so at any moment."""
        self._now = now
        fresh = self.folder / f".{os.getpid()}"
        fresh.write_text(json.dumps(now))
        fresh.replace(self.folder / f"{os.getpid()}.now")

    def _span(self, since: float, until: float | None) -> None:
        """One line in one write: processes do not mix theirs."""
        told = [self._now.get("cid"), self._now.get("turn"), since, until]
        with (self.folder / "spans").open("ab", buffering=0) as file:
            file.write(json.dumps(told).encode() + b"\n")


def doing(folder: Path, pid: int) -> Doing:
    """What this process was doing when it last wrote."""
    try:
        return Doing(pid, **json.loads((folder / f"{pid}.now").read_text()))
    except FileNotFoundError:
        return Doing(pid)


def busy(folder: Path, function: str) -> list[Doing]:
    """Every process of this function that is at work now."""
    found = [doing(folder, int(path.stem)) for path in folder.glob("*.now")]
    return [one for one in found if one.busy and one.function == function and lives(one.pid)]


def speaking(folder: Path) -> list[Doing]:
    """Every turn that runs now."""
    return [one for one in busy(folder, "turn") if one.speaking_since is not None]


def spans(folder: Path) -> list[Span]:
    """Who spoke when, for which turn."""
    path = folder / "spans"
    lines = path.read_text().splitlines() if path.exists() else []
    told: dict[tuple[str, str, float], float | None] = {}
    for cid, turn, since, until in map(json.loads, lines):
        told[cid, turn, since] = until
    return [Span(*key, until) for key, until in told.items()]

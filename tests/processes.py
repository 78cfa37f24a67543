"""Looking at processes as the kernel sees them, for tests of what is left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 30


def lives(pid: int) -> bool:
    """A zombie does not: it only waits for somebody to ask how it ended."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def descendants(pid: int) -> set[int]:
    """Every process below this one that lives now."""
    children: dict[int, set[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), set()).add(int(entry.parent.name))
    found, left = set[int](), [pid]
    while left:
        new = children.get(left.pop(), set()) - found
        found |= new
        left += new
    return {child for child in found if lives(child)}


def named(pid: int, program: str) -> bool:
    """Whether this process runs that program, and is not one that the program forked."""
    title = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return title.partition(" ")[0].rpartition("/")[2] == program


def until(true: Callable[[], object]) -> None:
    """Returns once it is true; fails when it does not become true in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def end_at_once(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """As `kill -9` does."""
    process.kill()
    process.wait(PATIENCE_S)


def listening(port: int) -> set[str]:
    """The IPv4 addresses on which somebody listens at this port; `::` stands for IPv6."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        address, state = line.split()[1], line.split()[3]
        host, _, hexport = address.partition(":")
        if state == "0A" and int(hexport, 16) == port:
            found.add(socket.inet_ntoa(bytes.fromhex(host)[::-1]))
    for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]:
        address, state = line.split()[1], line.split()[3]
        if state == "0A" and int(address.rpartition(":")[2], 16) == port:
            found.add("::")
    return found


@contextmanager
def folder_outside_tests() -> Iterator[Path]:
    """Deleted at the end, where pytest would keep the last three: a database takes 40 MB."""
    with tempfile.TemporaryDirectory(prefix="cj-tests-") as folder:
        yield Path(folder)


def cj(*arguments: object, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it, to its end; `environ` is set besides."""
    return subprocess.run(
        [sys.executable, "-m", "local.cli", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environ},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

"""Which account the servers run as, and what that account can reach."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Account:
    """An account other than ours. Only root can have one."""

    uid: int
    gid: int
    name: str

    def can(self, flag: str, path: Path, descriptors: tuple[int, ...] = ()) -> bool:
        """Whether it passes test(1)'s `-r`, `-w` or `-x` on the path, asked as that account."""
        asked = subprocess.run(
            ["/bin/sh", "-c", f'test {flag} "$1"', "sh", str(path)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            pass_fds=descriptors,
            check=False,
        )
        return asked.returncode == 0


def server_account() -> Account | None:
    """`nobody` when we are root, whom PostgreSQL refuses; None when we stay who we are."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def own(folder: Path, account: Account | None) -> None:
    """Makes the folder, for the server's account alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        os.chown(folder, account.uid, account.gid)


@dataclass(frozen=True, slots=True)
class Handle:
    """A folder by a name that its owner can use, and what a process has to inherit for it."""

    name: Path
    descriptors: tuple[int, ...] = ()


@contextmanager
def handle(folder: Path, account: Account | None) -> Iterator[Handle]:
    """For a server that is started while this is open.

    An account may own a folder and yet be unable to walk to it (a clone under a home with mode
    0700). Through a descriptor that it inherits it gets there, for as long as it lives.
    """
    if account is None or sys.platform != "linux":
        yield Handle(folder)
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Handle(Path(f"/proc/self/fd/{opened}"), (opened,))
    finally:
        os.close(opened)


def reachable(base: Path, parts: Sequence[Path], program: Path, account: Account | None) -> Path:
    """`program`, or its copy where the account cannot run it (an environment in a 0700 home).

    `parts` of `base` are what it needs. The copy stays in the temporary folder for the next time;
    it is only taken over from there when it is ours and nobody else can write to it.
    """
    if account is None or account.can("-x", program):
        return program
    stamp = sha256(f"{program}:{program.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    copy = Path(tempfile.gettempdir()) / f"servers-{os.geteuid()}-{stamp}"
    if not _is_ours(copy):
        copy = _copied(base, parts, copy)
    return copy / program.relative_to(base)


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    private = found.st_uid == os.geteuid() and not found.st_mode & 0o022
    return stat.S_ISDIR(found.st_mode) and private


def _copied(base: Path, parts: Sequence[Path], target: Path) -> Path:
    """Whole or not at all: made beside `target` and renamed. A second maker keeps its own copy."""
    made = Path(tempfile.mkdtemp(prefix=f"{target.name}-"))
    for part in parts:
        shutil.copytree(base / part, made / part, symlinks=True)
    for path in (made, *made.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode & 0o755
            path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
    try:
        return made.rename(target)
    except OSError:
        if not _is_ours(target):
            return made
        shutil.rmtree(made)
        return target

"""`cj reset`: delete this machine's data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from local.commands import CommandError
from local.data_folder import DataFolder

if TYPE_CHECKING:
    from argparse import Namespace


def main(given: Namespace) -> int:
    """Asks first, unless told not to; refuses while something uses the data."""
    folder = DataFolder(given.data_dir)
    if not folder.path.exists():
        sys.stdout.write(f"There is nothing in {folder.path}.\n")
        return 0
    folder.take()
    try:
        if not given.yes and not _agreed(folder):
            sys.stdout.write("Nothing was deleted.\n")
            return 1
        for left in folder.delete():
            sys.stdout.write(f"Left alone, since cj did not make it: {left}\n")
    finally:
        folder.release()
    sys.stdout.write(f"Deleted what CJ kept in {folder.path}.\n")
    return 0


def _agreed(folder: DataFolder) -> bool:
    if not sys.stdin.isatty():
        raise CommandError("Nobody is there to be asked. Say --yes to delete everything.")
    answer = input(f"Delete every conversation and session in {folder.path}? [y/N] ")
    return answer.strip().lower() in ("y", "yes")

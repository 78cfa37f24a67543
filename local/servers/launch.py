"""Becomes the server it is told to start: `launch.py PARENT UID GID SIGNAL COMMAND...`.

Run as a script of its own between fork and exec. What it holds to: the server runs as the account
asked for, and the kernel sends it SIGNAL when the process that started it is gone, however it went.
The order matters: changing the user clears the parent-death signal, so that is set afterwards; and
the parent may have died before it was set, so it is looked for last.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """Does not return. A UID of -1 leaves the account as it is."""
    parent, uid, gid, signal_number = map(int, argv[:4])
    command = argv[4:]
    # Loaded as the first user: the new one may not be able to read the library's folder.
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if libc is not None and libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("whoever asked for this server is gone")
    try:
        os.execv(command[0], command)  # noqa: S606 - a server is what it is asked to become
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])

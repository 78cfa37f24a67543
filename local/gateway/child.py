"""What runs in a function's process: Lambda's own runtime client, and no life after its parent.

Started as a file with `-P`, so that nothing of the gateway is on the function's import path.
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """From here on the kernel kills this process when its parent's does; too late ends it now."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def main(handler: str, parent: int) -> None:
    """Asks the Runtime API for invocations until it is killed."""
    die_with_parent(parent)
    from awslambdaric.__main__ import main as bootstrap

    bootstrap([sys.argv[0], handler])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

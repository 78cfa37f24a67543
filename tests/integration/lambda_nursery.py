"""Forks the processes of handlers: the libraries, the slow half of a start, are read only once.

Our own code is not read here. Each process has its own settings from the start, reads the code of
the handlers it is asked for, and is measured if its environment says so.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from functools import cache

import coverage

from tests.integration import lambda_process
from tests.processes import ROOT

_LIBRARIES = (
    *("asyncpg", "aws_lambda_powertools", "boto3", "cryptography.hazmat.primitives.ciphers.aead"),
    *("fastapi", "httpx", "mangum", "pydantic", "redis.asyncio", "redis.asyncio.cluster"),
)
_ENVIRONMENT_BYTES = 100_000


@cache
def _nursery() -> socket.socket:
    """It ends with us: nobody holds the other end of its socket then."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    unmeasured = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    with its:
        command = [sys.executable, "-m", __name__]
        process = subprocess.Popen(command, cwd=ROOT, stdin=its.fileno(), env=unmeasured)
    atexit.register(_end, ours, process)
    return ours


def _end(door: socket.socket, process: subprocess.Popen[bytes]) -> None:
    door.close()
    process.wait()


def born(environ: dict[str, str], stdin: int, stdout: int, stderr: int) -> None:
    """A process with these settings and files."""
    socket.send_fds(_nursery(), [json.dumps(environ).encode()], [stdin, stdout, stderr])


def main() -> None:
    """Returns in every child, as a process that has just begun."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    with socket.socket(fileno=0) as door:
        while True:
            told, given, _, _ = socket.recv_fds(door, _ENVIRONMENT_BYTES, 3)
            if not told:
                sys.exit()
            if os.fork() == 0:
                break
            for its in given:
                os.close(its)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, its in enumerate(given):
        os.dup2(its, number)
        os.close(its)
    os.environ.clear()
    os.environ.update(json.loads(told))
    coverage.process_startup()


if __name__ == "__main__":
    main()
    lambda_process.main()

"""A function that does what its event says. Stands for anything people write."""

import os
import signal
import sys
import threading
import time
from pathlib import Path


def _context(_event, context):
    return {
        "request_id": context.aws_request_id,
        "name": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "trace": os.environ["_X_AMZN_TRACE_ID"],
    }


def _append(event, context):
    with Path(event["file"]).open("a") as file:
        file.write(f"{os.getpid()} {context.aws_request_id}\n")
    if event.get("then") == "raise":
        raise ValueError("after it was written")
    return "written"


def _wait_for(event, _context):
    """Says that it runs, and goes on when it is told to."""
    Path(event["running"]).touch()
    while not Path(event["until"]).exists():
        time.sleep(0.005)
    return os.getpid()


def _raise(event, _context):
    raise ValueError(event["text"])


def _tick(event, _context):
    """A thread that works on when the answer is long given."""

    def work():
        while True:
            Path(event["file"]).write_text(str(time.monotonic_ns()))
            time.sleep(0.005)

    threading.Thread(target=work, daemon=True).start()
    return os.getpid()


DEEDS = {
    "context": _context,
    "append": _append,
    "wait": _wait_for,
    "raise": _raise,
    "tick": _tick,
    "sleep": lambda event, _: time.sleep(event["s"]),
    "exit": lambda event, _: sys.exit(event["status"]),
    "signal": lambda event, _: os.kill(os.getpid(), signal.Signals[event["name"]]),
    "answer": lambda event, _: "x" * event["bytes"],
    "length": lambda event, _: len(event["text"]),
    "print": lambda event, _: sys.stdout.write(event["text"] + "\n"),
    "write": lambda event, _: sys.stdout.write(event["text"]),
    "environment": lambda _event, _: dict(os.environ),
    "path": lambda _event, _: {"path": sys.path, "cwd": str(Path.cwd())},
    "pid": lambda _event, _: os.getpid(),
    "echo": lambda event, _: event,
}


def handler(event, context):
    return DEEDS[event.get("do", "echo")](event, context)

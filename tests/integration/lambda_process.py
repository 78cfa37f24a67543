"""Runs handlers as Lambda does: a process of their own, settings in its environment, no gateway.

Reads lines of JSON, {"function", "event", "time_left_ms"}, and answers each with a line of JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
import uuid


class Context:
    """What a handler asks of Lambda's context."""

    aws_request_id = str(uuid.UUID(int=0))

    def __init__(self, time_left_ms: int) -> None:
        self._time_left_ms = time_left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self._time_left_ms


def main() -> None:
    """One invocation after the other, until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # functions log to stdout
    for line in sys.stdin:
        asked = json.loads(line)
        handler = importlib.import_module(f"functions.{asked['function']}.app").handler
        try:
            answer = handler(asked["event"], Context(asked["time_left_ms"]))
        except Exception as error:
            answer = {"raised": type(error).__name__}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

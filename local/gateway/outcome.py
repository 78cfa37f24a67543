"""What came of an invocation, in Lambda's own words."""

from __future__ import annotations

import json
from dataclasses import dataclass

UNHANDLED = "Unhandled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the function returned, or the document that says why it did not."""

    payload: bytes
    error: str | None = None  # as in X-Amz-Function-Error
    duration_ms: float = 0.0


def failure(error_type: str, message: str) -> Outcome:
    """An error that Lambda, not the function, puts into words."""
    document = {"errorType": error_type, "errorMessage": message}
    return Outcome(json.dumps(document).encode(), UNHANDLED)


def timed_out(request_id: str, timeout_s: float) -> Outcome:
    """The function took longer than its own timeout."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    return failure("Sandbox.Timedout", message)


def exited(request_id: str, return_code: int) -> Outcome:
    """The function's process ended before it answered."""
    message = f"RequestId: {request_id} Error: {_reason(return_code)}"
    return failure("Runtime.ExitError", message)


def _reason(return_code: int) -> str:
    if return_code == 0:
        return "Runtime exited without providing a reason"
    if return_code < 0:
        return f"Runtime exited with error: signal: {_SIGNALS.get(-return_code, -return_code)}"
    return f"Runtime exited with error: exit status {return_code}"


_SIGNALS = {6: "aborted", 9: "killed", 11: "segmentation fault", 15: "terminated"}


def too_large() -> Outcome:
    """The answer is more than Lambda carries."""
    return failure(
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    )


def expired(request_id: str) -> Outcome:
    """An event waited longer for a free process than it may."""
    return failure("Gateway.EventExpired", f"RequestId: {request_id} Error: Event is too old")


def closing(request_id: str) -> Outcome:
    """The gateway stopped, and with it the function."""
    message = f"RequestId: {request_id} Error: The gateway stopped before the function answered"
    return failure("Gateway.Stopped", message)

"""Every refusal has a code of the protocol, a text for a person, and says if it is worth a try."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cj import errors
from cj.errors import CJError

DOCS = Path(__file__).resolve().parents[2] / "docs/protocol.md"
ROW = re.compile(r"^\| `(\w+)` \| (yes|no|later|depends) \| (.+) \|$", re.MULTILINE)
OF_A_FRAME = {"bad_request", "unsupported", "too_large"}  # BadFrame carries them
JARGON = re.compile(r"postgres|redis|sql|lambda|exception|traceback|http|socket", re.IGNORECASE)

# What it takes to make one, where that is not nothing.
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "BadFrame": ("bad_request", "A frame is one JSON object."),
    "RateLimited": (1_500,),
}


def all_errors() -> list[CJError]:
    found = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, CJError)]
    return [kind(*ARGUMENTS.get(kind.__name__, ())) for kind in found]


def documented() -> dict[str, str]:
    return {code: retryable for code, retryable, _ in ROW.findall(DOCS.read_text())}


@pytest.mark.parametrize("error", all_errors(), ids=lambda e: type(e).__name__)
def test_an_error_s_text_is_for_a_person_and_its_code_is_documented(error: CJError) -> None:
    assert error.message[0].isupper()
    assert error.message.endswith((".", "?"))
    assert len(error.message) <= 120
    assert not JARGON.search(error.message)
    assert documented()[error.code] in {"depends", "yes" if error.retryable else "no"}
    assert error.retry_ms is None or error.retryable
    assert 400 <= error.status <= 504


def test_every_documented_code_can_occur_or_is_reserved() -> None:
    can_occur = {error.code for error in all_errors()} | OF_A_FRAME
    assert {code for code, retryable in documented().items() if retryable != "later"} == can_occur


def test_what_may_be_tried_again_says_when() -> None:
    silent = {"Unauthenticated"}  # the page asks for a session and connects again
    retryable = [e for e in all_errors() if e.retryable and type(e).__name__ not in silent]
    assert retryable
    assert [type(e).__name__ for e in retryable if e.retry_ms is None] == []

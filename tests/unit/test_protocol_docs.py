"""docs/protocol.md says what the code does: every frame, every member, every promise."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cj.domain import frames, replies
from cj.domain.frames import parse_frame
from cj.errors import BadFrame
from cj.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/protocol.md").read_text()
EXAMPLES = [json.loads(body) for body in re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)]
SENT, RECEIVED = (
    {frame["type"]: frame for frame in EXAMPLES if frame["type"] in kinds}
    for kinds in (
        frames._FRAMES,
        {"ready", "sync", "ack", "committed", "message", "delta", "tool", "done", "state"}
        | {"error", "pong"},
    )
)
ASKING = re.compile(r"^\| `(\w+)` \| ([^|]+) \| (?:`\w+`|`error` .*) \|$", re.MULTILINE)
PROMISE = re.compile(r"^\| P\d .*$", re.MULTILINE)


def examples(kind: str) -> list[dict[str, Any]]:
    return [frame for frame in EXAMPLES if frame["type"] == kind]


def members(kind: str) -> dict[str, bool]:
    """What the table says a frame has, and whether it has to."""
    listed = dict(ASKING.findall(TEXT))[kind]
    return {name: not mark for name, mark in re.findall(r"`(\w+)`(\??)", listed)}


@pytest.mark.parametrize("kind", sorted(set(frames._FRAMES) - {"start_conversation"}))
def test_the_table_lists_the_members_that_are_taken(kind: str) -> None:
    taken = {
        name: field.is_required()
        for name, field in frames._FRAMES[kind].model_fields.items()
        if name not in {"v", "type", "user_id", "merchant_id"}
    }
    assert members(kind) == taken


@pytest.mark.parametrize("kind", sorted(set(frames._FRAMES) - {"start_conversation"}))
def test_the_example_of_a_frame_is_taken(kind: str) -> None:
    example = examples(kind)[0]
    assert parse_frame(json.dumps(example)).model_dump(mode="json", exclude_unset=True) == example


def test_an_action_is_documented_as_what_it_is() -> None:
    action = {"v": 1, "type": "action"} | {name: "x" for name in members("action")}
    with pytest.raises(BadFrame, match="unsupported"):
        parse_frame(json.dumps(action))


def test_the_examples_of_what_is_received_are_what_is_built() -> None:
    message, committed, delta = examples("message")[-1], RECEIVED["committed"], RECEIVED["delta"]
    cid = message["cid"]
    error = dict(RECEIVED["error"])
    tool = dict(RECEIVED["tool"])
    state = RECEIVED["state"]["data"]
    built = [
        replies.message(cid, message["message"]),
        replies.committed(
            cid, committed["message_id"], committed["seq"], client_id=committed["client_id"]
        ),
        replies.delta(cid, delta["turn"], delta["gen"], delta["i"], delta["text"]),
        replies.tool(tool.pop("cid"), tool.pop("turn"), tool.pop("gen"), **_own(tool)),
        replies.superseded(cid, state["from"], state["by"]),
        replies.error(error.pop("code"), error.pop("message"), **_own(error)),
        replies.pong(RECEIVED["pong"]["re"]),
    ]
    told = [json.loads(replies.encode(frame)) for frame in built]
    assert told == [
        examples(frame["type"])[-1] if frame["type"] == "message" else RECEIVED[frame["type"]]
        for frame in told
    ]


def _own(frame: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in frame.items() if name not in {"v", "type"}}


def test_an_opening_is_built_as_its_example_shows() -> None:
    for kind, newest in (("ready", True), ("sync", False)):
        example = RECEIVED[kind]
        turn = example["turn"]
        head = {
            name: value
            for name, value in _own(example).items()
            if name not in {"messages", "unsaved", "turn"}
        }
        chunks = [turn["text"][:3], turn["text"][3:]]
        live = replies.Live(turn["id"], turn["gen"], turn["from"], chunks)
        (built,) = replies.opening(
            {"type": kind, **head}, example["messages"], newest=newest, live=live
        )
        assert json.loads(replies.encode(built)) == example


def test_the_numbers_in_the_text_are_the_settings_own() -> None:
    limits = Settings.model_fields
    for name, said in {
        "limit_text_chars": "1 to 8,000 characters",
        "limit_text_bytes": "at most 20,000 bytes",
        "limit_messages_burst": "may send 5 at once",
        "limit_messages_per_minute": "and 20 in a minute",
        "limit_waiting": "at most 5 wait for their answer",
        "limit_conversations_per_hour": "most 10 in an hour",
        "limit_session_connects_per_minute": "10 a minute for a session",
        "limit_address_connects_per_minute": "60 for an address",
    }.items():
        assert said in " ".join(TEXT.split())
        assert f"{limits[name].default:,}" in said
    assert limits["limit_frame_bytes"].default == 24 * 1024 == frames.MAX_BYTES
    assert limits["limit_bad_frames"].default == 10


def test_the_promises_are_the_same_in_the_readme() -> None:
    promises = PROMISE.findall(TEXT)
    assert [line[2:4] for line in promises] == [f"P{n}" for n in range(1, 9)]
    assert PROMISE.findall((ROOT / "README.md").read_text()) == promises

"""Frames that are nearly right, and some that are not right at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    10**400,
    1e308,
    0.1,
    "",
    " ",
    "x" * 10_240,
    "\0",
    "\ud800",
    "\U0001f9ff" * 400,
    "\u202e\u200b\u0301",
    "' OR 1=1 --",
    "../../etc/passwd",
    "${jndi:ldap://x}",
    [],
    {},
    [[[[[[]]]]]],
    {"a": {"b": {"c": None}}},
)


def mutated(dice: Random, cid: str) -> str | bytes:
    """One frame, from a valid one in most cases; now and then it is valid still."""
    ways: tuple[Callable[[Random, dict[str, Any]], str | bytes], ...] = (
        *(_with_an_odd_member,) * 8,
        *(_without_a_member,) * 3,
        _with_one_more,
        _with_a_key_twice,
        _cut_short,
        _with_a_wrong_character,
        _in_random_characters,
        _deep,
        _large,
        _with_a_huge_number,
        _as_it_is,
    )
    frame = _valid(dice, cid)
    # Rare, since the socket is over afterwards.
    last = dice.random()
    if last < 0.004:
        return dice.randbytes(20)
    return "x" * 40_000 if last < 0.008 else dice.choice(ways)(dice, frame)


def _id(dice: Random) -> str:
    return str(UUID(int=dice.getrandbits(128), version=4))


def _valid(dice: Random, cid: str) -> dict[str, Any]:
    members = dice.choice(
        (
            {"type": "start", "cid": cid, "after_seq": 0},
            {"type": "message", "cid": cid, "text": "fuzz", "prev": _id(dice)},
            {"type": "retry", "cid": cid, "of": _id(dice), "text": "fuzz"},
            {"type": "stop", "cid": cid, "turn": _id(dice)},
            {"type": "resume", "cid": cid, "after_seq": 0, "turn": _id(dice), "gen": 1, "i": 0},
            {"type": "action", "cid": cid, "name": "x", "data": {}},
            {"type": "oauth_complete", "cid": cid},
            {"type": "ping"},
        )
    )
    return {"v": 1, "id": _id(dice), **members}


def _as_it_is(_dice: Random, frame: dict[str, Any]) -> str:
    return json.dumps(frame)


def _with_an_odd_member(dice: Random, frame: dict[str, Any]) -> str:
    return json.dumps({**frame, dice.choice(list(frame)): dice.choice(ODD)})


def _without_a_member(dice: Random, frame: dict[str, Any]) -> str:
    del frame[dice.choice(list(frame))]
    return json.dumps(frame)


def _with_one_more(dice: Random, frame: dict[str, Any]) -> str:
    return json.dumps({**frame, f"more{dice.random()}": dice.choice(ODD)})


def _with_a_key_twice(dice: Random, frame: dict[str, Any]) -> str:
    again = dice.choice(list(frame))
    return json.dumps(frame)[:-1] + f", {json.dumps(again)}: 1}}"


def _cut_short(dice: Random, frame: dict[str, Any]) -> str:
    text = json.dumps(frame)
    return text[: dice.randrange(len(text))]


def _with_a_wrong_character(dice: Random, frame: dict[str, Any]) -> str:
    text = json.dumps(frame)
    at = dice.randrange(len(text))
    return text[:at] + chr(dice.randrange(1, 0xD7FF)) + text[at + 1 :]


def _in_random_characters(dice: Random, _frame: dict[str, Any]) -> str:
    return "".join(chr(dice.randrange(0xD7FF)) for _ in range(dice.randrange(200)))


def _deep(dice: Random, frame: dict[str, Any]) -> str:
    levels = dice.choice((19, 20, 21, 1_000, 8_000))
    return json.dumps(frame)[:-1] + f', "x": {"[" * levels + "]" * levels}}}'


def _large(dice: Random, frame: dict[str, Any]) -> str:
    return json.dumps({**frame, "text": "x" * dice.randrange(20_000, 30_000)})


def _with_a_huge_number(dice: Random, frame: dict[str, Any]) -> str:
    return json.dumps(frame)[:-1] + f', "after_seq": {"9" * dice.randrange(1, 20_000)}}}'

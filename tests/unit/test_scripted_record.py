"""What an answer's row keeps: blocks in Converse's shape, results that fit, and their sources."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cj.agent.model import ToolStep
from cj.agent.record import RESULT_BYTES, Record, bounded
from cj.agent.store import CALL_S, Store
from hypothesis import given
from hypothesis import strategies as st

AS_OF = datetime(2026, 11, 21, 8, tzinfo=UTC)
FOUND = {"success": True, "data": {"n": 1}, "window": {"days": 60}}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=80) | st.dictionaries(st.sampled_from("abcdef"), inner, max_size=6)
    ),
    max_leaves=60,
)


def looked(call: str, status: Any = "ok", **more: Any) -> ToolStep:
    result = {"result": FOUND, "cached": False, "as_of": AS_OF, "ms": 3, **more}
    return ToolStep(call, f"get_{call}", status, **result)


def recorded(*steps: Any) -> Record:
    record = Record()
    for step in steps:
        record.add(step)
    return record


def test_an_answer_without_a_look_is_its_text() -> None:
    record = recorded("Hello ", "there.")
    assert record.content is None
    assert record.sources is None


def test_every_look_is_a_pair_in_the_order_of_what_was_said() -> None:
    record = recorded(
        "Hello. ",
        ToolStep("a", "get_a", "started"),
        ToolStep("b", "get_b", "started"),
        looked("a"),
        "One. ",
        looked("b", "error", result={"success": False, "code": "reconnect"}, as_of=None),
        "And two.",
    )
    assert record.content == {
        "v": 1,
        "blocks": [
            {"text": "Hello. "},
            {"toolUse": {"toolUseId": "a", "name": "get_a", "input": {}}},
            {
                "toolResult": {
                    "toolUseId": "a",
                    "status": "success",
                    "content": [{"json": FOUND}],
                }
            },
            {"text": "One. "},
            {"toolUse": {"toolUseId": "b", "name": "get_b", "input": {}}},
            {
                "toolResult": {
                    "toolUseId": "b",
                    "status": "error",
                    "content": [{"json": {"success": False, "code": "reconnect"}}],
                }
            },
            {"text": "And two."},
        ],
    }


def test_a_source_is_what_was_seen_and_how_old_it_was() -> None:
    record = recorded(looked("a", cached=True), looked("b", "error"))
    at = "2026-11-21T08:00:00+00:00"
    assert record.sources == [
        {"tool": "get_a", "as_of": at, "cached": True, "window": {"days": 60}}
    ]


def test_a_look_that_never_ended_was_never_made_and_blank_text_is_no_block() -> None:
    record = recorded("\n\n", looked("a"), ToolStep("b", "get_b", "started"), " ")
    assert record.content is not None
    assert [next(iter(block)) for block in record.content["blocks"]] == ["toolUse", "toolResult"]


def test_a_long_list_is_cut_and_says_how_long_it_was() -> None:
    orders = [{"name": f"#{n}", "note": "x" * 300} for n in range(200)]
    cut = bounded({"success": True, "data": {"orders": {"nodes": orders}}})
    *kept, marker = cut["data"]["orders"]["nodes"]
    assert marker == {"truncated": True, "total": 200}
    assert [order["name"] for order in kept] == [f"#{n}" for n in range(len(kept))]
    assert len(kept) >= 10
    assert {len(order["note"]) for order in kept} == {200}


def test_what_fits_is_kept_as_it_is() -> None:
    assert bounded(FOUND) == FOUND


@given(st.dictionaries(st.sampled_from(["data", "error", "window"]), values))
def test_whatever_a_store_says_a_row_can_hold_it(result: dict[str, Any]) -> None:
    cut = bounded(result, 2_000)
    text = json.dumps(cut, ensure_ascii=False)
    assert len(text.encode()) <= 2_000 or cut["data"] == {"truncated": True}
    assert "\\u0000" not in text


def test_no_result_is_longer_than_a_row_may_hold() -> None:
    wide = {"data": {f"key {n}": "y" * 200 for n in range(500)}, "success": True}
    assert bounded(wide) == {"success": True, "data": {"truncated": True}}
    assert len(json.dumps(bounded({"data": {"nodes": ["z" * 199] * 900}}))) <= RESULT_BYTES


class Slow:
    """Tools that write down how long they were given."""

    def __init__(self) -> None:
        self.given: list[tuple[str, str | None, float]] = []

    async def run(self, name: str, shop: str | None, time_left_s: float) -> dict[str, Any]:
        self.given.append((name, shop, time_left_s))
        if time_left_s == 0:
            raise TimeoutError
        return {"success": True}


@pytest.mark.parametrize(("ends", "left_s"), [(100.0, CALL_S), (11.5, 1.5)])
async def test_a_look_takes_no_longer_than_a_call_or_the_turn_may(
    ends: float, left_s: float
) -> None:
    tools: Any = Slow()
    store = Store(tools, "a.myshopify.com", ends, lambda: 10.0)
    assert await store.ask("get_a") == {"success": True}
    assert tools.given == [("get_a", "a.myshopify.com", left_s)]


async def test_a_look_that_is_late_is_a_result_that_failed() -> None:
    tools: Any = Slow()
    late = await Store(tools, "a.myshopify.com", 9.0, lambda: 10.0).ask("get_a")
    assert (late["success"], late["code"]) == (False, "shopify_unavailable")
    assert "Shopify" in late["error"]

"""Connections: one page of a sorted list, and the cursor to go on from."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PAGE = 250


def bad_request(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def page(
    items: Sequence[Any],
    key: Callable[[Any], Any] | None,
    node: Callable[[Any], dict[str, Any]],
    args: Mapping[str, Any],
) -> dict[str, Any]:
    """Sorted by the key and, where it is the same, by id; without a key as they come."""
    chosen = list(items) if key is None else sorted(items, key=lambda item: (key(item), item.id))
    if args.get("reverse"):
        chosen.reverse()
    marks = [str(getattr(item, "id", place)) for place, item in enumerate(chosen)]
    start = _place(marks, args.get("after"), -1) + 1
    end = _place(marks, args.get("before"), len(marks))
    first, last = _size(args)
    more_after = end < len(marks)
    if first is not None:
        more_after = end > start + first
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    end_cursor = _cursor(marks[end - 1]) if end > start else None
    return {
        "nodes": [node(item) for item in chosen[start:end]],
        "pageInfo": {"endCursor": end_cursor, "hasNextPage": more_after},
    }


def _size(args: Mapping[str, Any]) -> tuple[int | None, int | None]:
    first, last = args.get("first"), args.get("last")
    if (first is None) == (last is None):
        raise bad_request("you must provide one of first or last")
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 1 <= size <= PAGE:
            raise bad_request(f"{name} must be between 1 and {PAGE}")
    return first, last


def _cursor(mark: str) -> str:
    return base64.b64encode(json.dumps({"last_id": mark}).encode()).decode()


def _place(marks: Sequence[str], cursor: str | None, without: int) -> int:
    if cursor is None:
        return without
    try:
        return marks.index(str(json.loads(base64.b64decode(cursor, validate=True))["last_id"]))
    except (ValueError, TypeError, KeyError):
        raise bad_request("Invalid cursor for current pagination sort.") from None

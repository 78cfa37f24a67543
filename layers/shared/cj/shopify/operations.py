"""The operations CJ sends to Shopify, one `.graphql` file each."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "queries"
FRAGMENT = "order_fields"


@dataclass(frozen=True, slots=True)
class Operation:
    """A query that may be sent as often as it takes."""

    name: str
    text: str


@functools.cache
def operation(name: str) -> Operation:
    """The operation in `<name>.graphql`, with the fragment if it uses it."""
    text = _read(name)
    return Operation(name, f"{text}\n{_read(FRAGMENT)}" if "...OrderFields" in text else text)


def _read(name: str) -> str:
    return (FOLDER / f"{name}.graphql").read_text("utf-8")

"""The example conversation of docs/protocol.md, held with the running system."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from tests.e2e.browser import PATIENCE_S, Browser
from tests.e2e.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


def written() -> Iterator[tuple[str, Any]]:
    """Who speaks, and the frame."""
    text = (ROOT / "docs/protocol.md").read_text()
    (block,) = re.findall(r"```conversation\n(.*?)```", text, re.DOTALL)
    for line in block.splitlines():
        if line[:2] in ("> ", "< "):
            yield line[0], json.loads(line[2:])


def matches(shown: Any, told: Any, names: dict[str, Any]) -> bool:
    """Every member that is shown is there; a name stands for the same thing everywhere."""
    if isinstance(shown, dict):
        return isinstance(told, dict) and all(
            key in told and matches(value, told[key], names) for key, value in shown.items()
        )
    if isinstance(shown, list):
        return len(shown) == len(told) and all(
            matches(*pair, names) for pair in zip(shown, told, strict=True)
        )
    if isinstance(shown, str) and shown.startswith("$"):
        known: bool = names.setdefault(shown, told) == told
        return known
    return bool(shown == told)


def filled_in(frame: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    return {
        key: names.get(value, value) if isinstance(value, str) else value
        for key, value in frame.items()
    }


async def heard(browser: Browser, since: int, shown: dict[str, Any], names: dict[str, Any]) -> None:
    """Returns when a frame like the one shown has come, in whatever order."""
    at = since
    while True:
        while at == len(browser.frames):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    browser.frames.append(json.loads(await browser.socket.recv()))
            except TimeoutError:
                told = browser.frames[since:]
                raise AssertionError(f"never heard {shown}, only {told}") from None
        tried = dict(names)
        if matches(shown, browser.frames[at], tried):
            names.update(tried)
            return
        at += 1


async def test_the_conversation_in_the_documentation_is_how_it_goes(cj_url: str) -> None:
    names: dict[str, Any] = {}
    said = since = 0
    async with Browser(cj_url) as browser:
        for who, frame in written():
            if who == ">":
                since = len(browser.frames)
                await browser.socket.send(json.dumps(filled_in(frame, names)))
                said += 1
            else:
                await heard(browser, since, frame, names)
    assert said >= 10
    assert {"$cid", "$turn", "$answer", "$poor", "$again"} <= names.keys()

"""What the rule-based CJ says to what, and which looks into the store that takes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cj.agent import telling

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cj.agent.store import Result
    from cj.domain.messages import Message


@dataclass(frozen=True, slots=True)
class Look:
    """What a tool finds, in words."""

    tool: str
    tell: Callable[[Result], str]


Part: TypeAlias = str | Look
_COUNTS = "get_shopify_store_counts"
_OVERVIEW = "get_shopify_store_overview"
_RECENT = "get_shopify_recent_orders"
_WEEK = "get_shopify_orders_last_week"

_HELLO = "Welcome! I'm CJ, and I went straight to your store for a first look."
_OFFER = (
    "Ask me about your orders, the last week, what sells best, your customers or your products "
    "whenever you like."
)
_ABOUT = (
    "I'm CJ. Right now I answer by simple rules, with no AI model behind me. What I can do so far: "
    "tell you about the orders, sales, customers and products of the Shopify store you connect, "
    "take your messages and keep every one of them, answer them in order, and show you all our "
    "conversations again."
)
_NO_STORE = (
    "I can't see a store's numbers right now, and I would rather say so than make something up. "
    "If your Shopify store is not connected, connect it at the top of this page; if it is, ask me "
    "again in a moment. What you wrote is kept in this conversation."
)
_GREETING: tuple[Part, ...] = (
    _HELLO,
    Look(_COUNTS, telling.counts),
    Look(_RECENT, telling.recent),
    Look(_COUNTS, lambda _: _OFFER),  # not where nothing could be seen
)
_WELCOME = f"Welcome! I'm CJ. {_NO_STORE}"

_STORE_RULES: tuple[tuple[str, tuple[Look, ...]], ...] = (
    (
        r"\b(best.?sell\w*|sells? best|sold (best|most)|popular|top (products?|items?|sellers?))\b",
        (Look(_WEEK, telling.popular),),
    ),
    (
        r"\b(customers?|buyers?|guests?|vips?)\b",
        (Look(_COUNTS, telling.customers), Look(_WEEK, telling.segments)),
    ),
    (
        r"\b(products?|inventory|in stock|stocked)\b",
        (Look(_OVERVIEW, telling.products),),
    ),
    (
        r"\b(this|last|past) (week|seven days|7 days)\b|\b(sales|revenue|order) (trend|pattern)\b",
        (Look(_WEEK, telling.week),),
    ),
    (
        r"\b(orders?|sales?|sold|revenue)\b",
        (Look(_COUNTS, telling.counts), Look(_RECENT, telling.recent)),
    ),
    (
        r"\b(store|shop(ify)?)\b",
        (Look(_OVERVIEW, telling.shop), Look(_COUNTS, telling.counts)),
    ),
)
_RECAP = r"\b(what|which) did i (say|write|ask)|\bremember\b|\brecap\b"
_RULES = (
    (r"\b(hi|hello|hey|good (morning|afternoon|evening))\b", "Hello! " + _ABOUT),
    (r"\bwhat (can|do) you\b|\bwho are you\b|\bhelp\b", _ABOUT),
    (r"\bthank(s| you)\b", "You're welcome."),
    (r"\b(bye|goodbye|see you)\b", "Goodbye. This conversation will be here when you come back."),
)
_OTHERWISE = (
    "I've kept that. I can't answer it by my rules yet. Ask me what I can do, or ask me what you "
    "said earlier."
)


def answers(window: Sequence[Message], from_seq: int, *, connected: bool) -> list[Part]:
    """To everything said since `from_seq`, or else to what its answer is to be made again for."""
    said = [message for message in window if message.role == "user" and not message.hidden]
    new = [n for n, message in enumerate(said) if message.seq >= from_seq]
    greets = any(m.control == "trigger" and m.seq >= from_seq for m in window)
    if not new and not greets:  # asked to say it again
        greets = _was_greeting(window)
        new = [] if greets else [len(said) - 1]
    parts: list[Part] = []
    if greets:
        parts += _GREETING if connected else [_WELCOME]
    for n in new:
        parts += _answer([message.text for message in said[: n + 1]], connected)
    return parts


def _was_greeting(window: Sequence[Message]) -> bool:
    """Whether the answer that is not there any more answered nobody's words."""
    newest = next((m for m in reversed(window) if not m.hidden), None)
    return newest is None or newest.role != "user"


def _answer(said: Sequence[str], connected: bool) -> Sequence[Part]:
    newest = said[-1]
    if re.search(_RECAP, newest, re.IGNORECASE):
        return [_recap(said[:-1])]
    for pattern, looks in _STORE_RULES:
        if re.search(pattern, newest, re.IGNORECASE):
            return looks if connected else [_NO_STORE]
    found = (text for pattern, text in _RULES if re.search(pattern, newest, re.IGNORECASE))
    return [next(found, _OTHERWISE)]


def _recap(earlier: Sequence[str]) -> str:
    if not earlier:
        return "This is the first thing you have said in this conversation."
    quoted = [" ".join(text.split()) for text in earlier[-3:]]
    lines = "\n".join(f"- “{text[:120]}{'…' if len(text) > 120 else ''}”" for text in quoted)
    return f"The last things you said before this:\n{lines}"

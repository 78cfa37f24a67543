"""The rule-based CJ: no key, no network, no guessing. It says only what it can do and what it saw.

Its answers are labelled (`model` is scripted-v1) and its token counts are NULL, because no tokens
were spent. It streams through the same loop as any model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from cj.domain.messages import Message

_ABOUT = (
    "I'm CJ. Right now I answer by simple rules, with no AI model behind me. What I can do so far: "
    "take your messages and keep every one of them, answer them in order, and show you all our "
    "conversations again in this browser. I cannot look into a Shopify store yet."
)
_STORE = (
    "I can't see a store's numbers yet: connecting a Shopify store is not possible in this "
    "version, and I would rather say so than make something up. What you wrote is kept in this "
    "conversation."
)
_RULES = (
    (r"\b(what|which) did i (say|write|ask)|\bremember\b|\brecap\b", "recap"),
    (r"\b(orders?|sales?|revenue|products?|customers?|inventory|store|shop(ify)?)\b", _STORE),
    (r"\b(hi|hello|hey|good (morning|afternoon|evening))\b", "Hello! " + _ABOUT),
    (r"\bwhat (can|do) you\b|\bwho are you\b|\bhelp\b", _ABOUT),
    (r"\bthank(s| you)\b", "You're welcome."),
    (r"\b(bye|goodbye|see you)\b", "Goodbye. This conversation will be here when you come back."),
)
_OTHERWISE = (
    "I've kept that. I can't answer it by my rules yet. Ask me what I can do, or ask me what you "
    "said earlier."
)


@dataclass(frozen=True, slots=True)
class Scripted:
    """A model without a model."""

    name: str = "scripted-v1"

    async def stream(self, window: Sequence[Message], from_seq: int) -> AsyncIterator[str]:
        """The answers to everything said since `from_seq`, one after the other, in pieces."""
        said = [message for message in window if message.role == "user"]
        new = [n for n, message in enumerate(said) if message.seq >= from_seq]
        answers = [_answer([message.text for message in said[: n + 1]]) for n in new]
        for piece in re.findall(r"\S+\s*", "\n\n".join(dict.fromkeys(answers))):
            yield piece


def _answer(said: Sequence[str]) -> str:
    newest = said[-1]
    for pattern, answer in _RULES:
        if re.search(pattern, newest, re.IGNORECASE):
            return _recap(said[:-1]) if answer == "recap" else answer
    return _OTHERWISE


def _recap(earlier: Sequence[str]) -> str:
    if not earlier:
        return "This is the first thing you have said in this conversation."
    quoted = [" ".join(text.split()) for text in earlier[-3:]]
    lines = "\n".join(f"- “{text[:120]}{'…' if len(text) > 120 else ''}”" for text in quoted)
    return f"The last things you said before this:\n{lines}"

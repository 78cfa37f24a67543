"""What a turn asks of a model, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from cj.agent.store import Result, Store
    from cj.domain.messages import Message


@dataclass(frozen=True, slots=True)
class ToolStep:
    """A look into the store begins or ends; `call` is the same for both, and no other look's.

    What was found is for the answer's row: browsers are told of the look, never of `result`.
    """

    call: str
    name: str
    status: Literal["started", "ok", "error"]
    ms: int | None = None
    cached: bool | None = None
    as_of: datetime | None = None
    result: Result | None = None


Step: TypeAlias = str | ToolStep


class Model(Protocol):
    """Speaks in pieces of text, with its tool steps in between."""

    @property
    def name(self) -> str:
        """What an answer's row says of where it came from."""
        ...

    def stream(
        self, window: Sequence[Message], from_seq: int, store: Store | None
    ) -> AsyncGenerator[Step, None]:
        """The answer to the inputs from `from_seq` on. Raises ModelUnavailable.

        Without `store` there is none to look into. Closed early, it leaves nothing under way.
        """
        ...

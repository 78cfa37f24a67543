"""Serves what changed: new code in new processes, a new template as a whole or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from watchfiles import Change, DefaultFilter, awatch

from local.gateway.model import GatewayError
from local.gateway.report import Noticed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from local.gateway.model import Model
    from local.gateway.report import Report

LONGEST_MS = 500  # a save is several changes; they are taken together, but not for longer


class Reload:
    """An async context that watches the template, the functions' code and the layers."""

    def __init__(
        self,
        template: Path,
        model: Model,
        load: Callable[[], Model],
        serve: Callable[[Model], None],
        report: Callable[[Report], None],
    ) -> None:
        self._template = template.resolve()
        self._folders = watched(model)
        self._load, self._serve, self._report = load, serve, report
        self._one_at_a_time = asyncio.Lock()
        self._stop = asyncio.Event()
        self._again = asyncio.Event()  # the code watched so far is not all, or the end has come
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Changes made after it returned are seen."""
        for watching in (self._watch_template(), self._watch_code()):
            self._tasks.append(asyncio.create_task(self._reporting(watching)))
        await asyncio.sleep(0)  # both watch as soon as they have run for the first time
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        self._again.set()
        await asyncio.gather(*self._tasks)

    async def _reporting(self, watching: Coroutine[None, None, None]) -> None:
        """Without its watcher the gateway still serves; it should not end in silence, though."""
        try:
            await watching
        except (OSError, RuntimeError) as error:
            self._report(Noticed(f"Changes are not looked for any more: {error}", error=True))

    async def _watch_template(self) -> None:
        """Its folder, because editors put a new file in the old one's place."""

        def is_it(_: Change, path: str) -> bool:
            return path == str(self._template)

        watching = awatch(
            self._template.parent,
            watch_filter=is_it,
            debounce=LONGEST_MS,
            stop_event=self._stop,
            recursive=False,
        )
        async for _changes in watching:
            await self._reload(str(self._template))

    async def _watch_code(self) -> None:
        while not self._stop.is_set():
            self._again.clear()
            watching = awatch(
                *self._folders,
                watch_filter=DefaultFilter(),
                debounce=LONGEST_MS,
                stop_event=self._again,
            )
            async for changes in watching:
                await self._reload(_named(changes))

    async def _reload(self, what: str) -> None:
        async with self._one_at_a_time:
            try:
                model = await asyncio.to_thread(self._load)
            except GatewayError as error:
                text = f"{error}\nUntil that is put right, the template is served as it was."
                self._report(Noticed(text, error=True))
                return
            self._serve(model)
            self._report(Noticed(f"Changed: {what}. What comes next gets the new code."))
            if (folders := watched(model)) != self._folders:
                self._folders = folders
                self._again.set()


def watched(model: Model) -> set[Path]:
    """Every folder with code of a function, without those inside another one."""
    folders = {folder for function in model.functions.values() for folder in function.watched}
    return {one for one in folders if folders.isdisjoint(one.parents)}


def _named(changes: set[tuple[Change, str]]) -> str:
    first, *others = sorted(path for _, path in changes)
    return f"{first} and {len(others)} more" if others else first

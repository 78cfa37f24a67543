"""One system for the tests that hurt it and leave it well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.stage import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Stage() as built:
        yield built

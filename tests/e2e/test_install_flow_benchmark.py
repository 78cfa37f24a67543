"""A small version of the benchmark: what it shows must hold, how fast it is is only printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import install_flow

if TYPE_CHECKING:
    from tests.e2e.running import Running


@pytest.mark.slow
async def test_every_merchant_finds_the_greeting_and_who_comes_again_what_was_there_before(
    cj: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    times = await install_flow.measure(cj, shops=2, again=2)
    with capsys.disabled():
        print("", *install_flow.lines(times), sep="\n")  # noqa: T201
    assert (times.flows, times.found) == (5, [])

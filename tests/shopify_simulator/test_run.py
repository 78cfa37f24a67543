"""The simulated Shopify as a part of `cj run`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from local.shopify.control_client import ControlClient
from tests.e2e.tiny import Run, own
from tests.processes import cj, folder_outside_tests, listening
from tests.shopify_simulator.application import CANDLES, SCOPES, query_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("SHOPIFY_API_KEY", "SHOPIFY_API_SECRET", "SHOPIFY_BASE_URL")


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_outside_tests() as made:
        yield made


def settings(run: Run) -> dict[str, str]:
    """What a function is told of Shopify."""
    payload = json.dumps([*NAMES, "PUBLIC_URL"])
    answer = cj("invoke", "environment", "--payload", payload, "--data-dir", run.data_dir)
    assert answer.returncode == 0, answer.stderr
    return dict(json.loads(answer.stdout))


def install(run: Run) -> str:
    """What the application and a person do; gives the access token."""
    told = settings(run)
    admin = f"{told['SHOPIFY_BASE_URL']}/{CANDLES}/admin"
    asked = {
        "client_id": told["SHOPIFY_API_KEY"],
        "scope": SCOPES,
        "redirect_uri": f"{told['PUBLIC_URL']}/api/v1/shopify/callback",
        "state": "s",
    }
    with httpx.Client(trust_env=False) as http:
        code = query_of(http.get(f"{admin}/oauth/authorize", params=asked))["code"]
        body = {
            "client_id": told["SHOPIFY_API_KEY"],
            "client_secret": told["SHOPIFY_API_SECRET"],
            "code": code,
            "expiring": "1",
        }
        answer = http.post(f"{admin}/oauth/access_token", data=body)
    return str(answer.raise_for_status().json()["access_token"])


def status(run: Run, token: str) -> int:
    url = f"{run.state['shopify_url']}/{CANDLES}/admin/api/2026-10/graphql.json"
    headers = {"X-Shopify-Access-Token": token}
    with httpx.Client(trust_env=False) as http:
        return http.post(url, json={"query": "{ shop { id } }"}, headers=headers).status_code


@pytest.mark.slow
def test_it_is_there_and_an_installed_shop_survives_the_next_start(folder: Path) -> None:
    with own(folder) as run:
        url = run.state["shopify_url"]
        assert f"The simulated Shopify is at {url}" in run.said
        assert settings(run)["SHOPIFY_BASE_URL"] == url
        assert listening(int(url.rpartition(":")[2])) == {"127.0.0.1"}
        ControlClient(url).auto_approve(on=True)
        token = install(run)
        assert status(run, token) == 200
        before = settings(run)
    with own(folder) as again:
        assert {n: settings(again)[n] for n in NAMES} == {n: before[n] for n in NAMES}
        assert status(again, token) == 200
    gone = cj("reset", "--yes", "--data-dir", again.data_dir)
    assert gone.returncode == 0, gone.stderr
    assert not again.data_dir.exists()


@pytest.mark.slow
def test_it_makes_way_for_a_real_application(folder: Path) -> None:
    with own(folder, SHOPIFY_API_KEY="mine") as run:
        assert run.state["shopify_url"] == ""
        assert "simulated" not in run.said
        assert settings(run)["SHOPIFY_BASE_URL"] is None

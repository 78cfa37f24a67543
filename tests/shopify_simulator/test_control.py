"""The control API, and everybody who is kept away from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from local.shopify.app import Options, Simulator
from local.shopify.control import VERBS, ControlRefused
from local.shopify.seeds import stores
from local.shopify.threaded import simulator_in_thread
from tests.processes import listening
from tests.shopify_simulator.application import CANDLES, COFFEE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.shopify_simulator.application import App

QUIET = Options(app_url="http://127.0.0.1:9", webhook_path=None)


def test_it_runs_in_a_thread_and_is_controlled_from_outside() -> None:
    with simulator_in_thread(QUIET) as shopify:
        orders = shopify.control.orders(CANDLES)
        assert [o["name"] for o in orders] == [f"#100{n}" for n in range(8, 0, -1)]
        shopify.control.change_order(shop=CANDLES, name="#1008", current_total="12.3")
        changed = shopify.control.orders(CANDLES)[0]
        assert changed == {**orders[0], "current_total": "12.30"}
        assert shopify.control.everything()["shops"][CANDLES]["installed"] is False
        with pytest.raises(ControlRefused, match="there is no shop"):
            shopify.control.uninstall(shop="nobody.myshopify.com")
        with pytest.raises(AttributeError):
            shopify.control.fly()
    with pytest.raises(httpx.ConnectError):
        shopify.control.everything()


def test_a_thread_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OSError),
        simulator_in_thread(replace(QUIET, folder=tmp_path / "file")),
    ):
        raise AssertionError("it started")


async def test_what_is_told_of_a_store_is_what_the_seeds_say(app: App) -> None:
    told = (await app.http.get(f"/control/shops/{COFFEE}")).json()
    seeded = stores(app.shopify.world.anchor)[COFFEE]
    assert [o["id"] for o in told["orders"]] == [o.id for o in seeded.orders]
    assert told["orders"][3]["total"] == str(seeded.orders[3].total)
    assert told["orders"][3]["created_at"] == seeded.orders[3].created_at.isoformat()


async def test_another_shop_of_a_kind_can_be_added(app: App) -> None:
    app.shopify.control.add_shop(shop="second-hand.myshopify.com", like=CANDLES)
    granted = await app.install("second-hand.myshopify.com")
    query = "{ shop { name } ordersCount { count } }"
    answer = await app.ask("second-hand.myshopify.com", granted["access_token"], query)
    assert answer.json()["data"] == {"shop": {"name": "Second Hand"}, "ordersCount": {"count": 8}}


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [
        ("fly", {}),
        ("do", {}),
        ("_private", {}),
        ("uninstall", {}),
        ("uninstall", {"shop": CANDLES}),
        ("uninstall", {"shop": "nobody.myshopify.com"}),
        ("set_plan", {"shop": CANDLES, "plan": "free"}),
        ("set_status", {"shop": CANDLES, "status": "asleep"}),
        ("add_shop", {"shop": "evil.com", "like": CANDLES}),
        ("add_shop", {"shop": "a.myshopify.com\n", "like": CANDLES}),
        ("add_shop", {"shop": "a.myshopify.com", "like": "evil.com"}),
        ("change_order", {"shop": CANDLES, "name": "#9"}),
        ("change_order", {"shop": CANDLES, "name": "#1008", "total": "much"}),
        ("webhook_delivery", {"copies": 1_000}),
        ("webhook_delivery", {"family": "amazon"}),
        ("move_clock", {"years": 1}),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_reason(
    app: App, verb: str, parameters: dict[str, object]
) -> None:
    before = app.shopify.world.memory.model_dump()
    answer = await app.http.post(f"/control/{verb}", json=parameters)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert app.shopify.world.memory.model_dump() == before


async def test_parameters_are_a_json_object(app: App) -> None:
    for body in (b"", b"[]", b"{"):
        answer = await app.http.post("/control/clear_faults", content=body)
        assert answer.status_code == 400


async def test_every_verb_can_be_reached_over_http(app: App) -> None:
    assert {"uninstall", "move_clock", "add_fault", "revoke_tokens"} <= VERBS
    await app.install(CANDLES)
    assert (await app.http.post("/control/auto_approve", json={"on": True})).status_code == 200
    assert (await app.http.post("/control/revoke_tokens", json={"shop": CANDLES})).is_success
    assert not app.shopify.world.memory.grants
    assert (await app.http.post("/control/move_clock", json={"days": 1})).is_success
    assert app.shopify.clock.offset_s == 86_400
    assert (await app.http.post("/control/reset_clock", json={})).is_success
    assert app.shopify.clock.offset_s == 0


async def test_it_listens_on_loopback_alone(app: App) -> None:
    assert listening(app.shopify.world.memory.port) == {"127.0.0.1"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.1", "[", ""])
async def test_a_foreign_name_that_leads_to_this_machine_is_refused(app: App, host: str) -> None:
    for path in ("/", "/control", f"/{CANDLES}/admin/oauth/authorize"):
        answer = await app.http.get(path, headers={"Host": host})
        assert answer.status_code in (400, 403)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_page_cannot_press_buttons(app: App, origin: str) -> None:
    await app.install(CANDLES)
    headers = {"Origin": origin}
    form = {"shop": CANDLES}
    assert (await app.http.post("/do/uninstall", data=form, headers=headers)).status_code == 403
    assert (await app.http.post("/control/uninstall", json=form, headers=headers)).is_error
    assert app.shopify.world.shop(CANDLES).installed


@pytest.mark.parametrize(
    "options",
    [
        Options(app_url="https://cj.example.com"),
        Options(app_url="http://192.168.1.9:8000"),
        Options(redirect_uris=("https://cj.example.com/callback",)),
    ],
)
def test_an_application_elsewhere_is_none_of_its_business(options: Options) -> None:
    with pytest.raises(ValueError, match="not on this machine"):
        Simulator(options)

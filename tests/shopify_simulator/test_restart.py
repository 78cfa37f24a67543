"""What the simulated Shopify remembers when it is started again."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from local.gateway.server import listen
from local.shopify.app import Options, Simulator
from local.shopify.clock import Clock
from tests.shopify_simulator.application import CANDLES, App, Wall

if TYPE_CHECKING:
    from pathlib import Path

APP_URL = "http://127.0.0.1:9"
DAY_S = 86_400


def options(folder: Path, wall: Wall) -> Options:
    return Options(app_url=APP_URL, webhook_path=None, folder=folder, clock=Clock(wall))


async def install(shopify: Simulator) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=shopify.url, trust_env=False) as http:
        return await App(shopify, f"{APP_URL}/api/v1/shopify/callback", http).install(CANDLES)


async def status(shopify: Simulator, token: str) -> int:
    async with httpx.AsyncClient(base_url=shopify.url, trust_env=False) as http:
        app = App(shopify, "", http)
        return (await app.ask(CANDLES, token, "{ shop { name } }")).status_code


async def test_an_installed_shop_survives_and_so_do_address_and_secret(
    tmp_path: Path, wall: Wall
) -> None:
    async with Simulator(options(tmp_path, wall)) as first:
        token = (await install(first))["access_token"]
        first.control.change_order(shop=CANDLES, name="#1008", current_total="1.00")
        first.control.move_clock(minutes=30)
        before = (first.url, first.api_key, first.api_secret)
    async with Simulator(options(tmp_path, wall)) as second:
        assert (second.url, second.api_key, second.api_secret) == before
        assert await status(second, token) == 200
        assert str(second.store(CANDLES).orders[0].current_total) == "1.00"
        assert second.clock.offset_s == 1_800
        second.control.move_clock(minutes=30)
        assert await status(second, token) == 401


async def test_what_it_keeps_is_for_its_owner_alone(tmp_path: Path, wall: Wall) -> None:
    async with Simulator(options(tmp_path, wall)):
        kept = tmp_path / "state.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert os.listdir(tmp_path) == ["state.json"]


async def test_secrets_differ_from_folder_to_folder(tmp_path: Path, wall: Wall) -> None:
    async with (
        Simulator(options(tmp_path / "a", wall)) as one,
        Simulator(options(tmp_path / "b", wall)) as other,
    ):
        assert one.api_secret != other.api_secret
        assert one.api_key != other.api_key


async def test_a_port_that_is_taken_meanwhile_is_given_up(tmp_path: Path, wall: Wall) -> None:
    async with Simulator(options(tmp_path, wall)) as first:
        port = first.world.memory.port
    with listen("127.0.0.1", port):
        async with Simulator(options(tmp_path, wall)) as second:
            assert second.world.memory.port != port


async def test_given_credentials_win(tmp_path: Path, wall: Wall) -> None:
    given = replace(options(tmp_path, wall), api_key="key", api_secret="secret")
    async with Simulator(given) as shopify:
        assert (shopify.api_key, shopify.api_secret) == ("key", "secret")
        assert len((await install(shopify))["access_token"]) > 30


async def test_orders_stay_fresh_from_start_to_start_and_still_within_a_day(
    tmp_path: Path, wall: Wall
) -> None:
    async with Simulator(options(tmp_path, wall)) as first:
        newest = first.store(CANDLES).orders[0].created_at
    wall.at += DAY_S / 2
    async with Simulator(options(tmp_path, wall)) as second:
        assert second.store(CANDLES).orders[0].created_at == newest
    wall.at += 30 * DAY_S
    async with Simulator(options(tmp_path, wall)) as third:
        moved = third.store(CANDLES).orders[0].created_at - newest
        assert moved == timedelta(days=30.5)


async def test_webhooks_that_wait_are_sent_after_a_restart(tmp_path: Path, wall: Wall) -> None:
    async with Simulator(options(tmp_path, wall)) as first:
        await install(first)
        first.control.webhook_delivery(hold=True)
        first.control.uninstall(shop=CANDLES)
    async with Simulator(options(tmp_path, wall)) as second:
        await second.webhooks.settled()
        assert not second.webhooks.attempts
        second.control.release_webhooks()
        await second.webhooks.settled()
        assert [attempt.topic for attempt in second.webhooks.attempts] == ["app/uninstalled"]

"""docs/shopify.app.example.toml registers at Shopify what the code expects of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from cj.domain.webhooks import TOPICS
from cj.pages import INSTALL
from cj.settings import Settings
from cj.shopify_parts import CALLBACK

ROOT = Path(__file__).resolve().parents[2]
PUBLIC_URL = "https://cj.example.com"
NAME = "docs/shopify.app.example.toml"
APP = tomllib.loads((ROOT / NAME).read_text())


def test_every_topic_that_cj_takes_is_subscribed_and_sent_to_its_route() -> None:
    subscribed = APP["webhooks"]["subscriptions"]
    topics = [t for s in subscribed for t in (*s["topics"], *s["compliance_topics"])]
    assert sorted(topics) == sorted(TOPICS)
    route = "/api/v1/shopify/webhooks"
    assert {s["uri"] for s in subscribed} == {PUBLIC_URL + route}
    assert route in (ROOT / "template.yaml").read_text()


def test_the_addresses_the_scopes_and_the_version_are_cj_s_own() -> None:
    assert APP["application_url"] == PUBLIC_URL + INSTALL
    assert APP["auth"]["redirect_urls"] == [PUBLIC_URL + CALLBACK]
    fields = Settings.model_fields
    assert tuple(APP["access_scopes"]["scopes"].split(",")) == fields["shopify_scopes"].default
    assert APP["webhooks"]["api_version"] == fields["shopify_api_version"].default


def test_the_deployment_s_steps_name_it() -> None:
    assert NAME in (ROOT / "README.md").read_text().partition("## Deploy")[2]

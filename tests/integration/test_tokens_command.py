"""`cj tokens`: what an operator does with the stores' access tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cj.shopify.cipher import TokenCipher
from cj.shopify.keys import KeyFile
from cj.shopify.vault import Vault
from cj.store.integrations import Integrations, SealedTokens
from redis import Redis

from tests.integration.statements import sql
from tests.integration.webhooking import dump
from tests.processes import cj

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cj.store import Database

    from tests.conftest import Database as OwnDatabase

    Tokens = Callable[..., subprocess.CompletedProcess[str]]

SHOP, OTHER = "corner-candles.myshopify.com", "harbour-coffee.myshopify.com"
CANARY, PASSWORD = "shpat_canary0123456789", "redis-canary"


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    return KeyFile.create(tmp_path / "keys.json")


@pytest.fixture
def vault(own_db: Database, key_file: KeyFile) -> Vault:
    return Vault(Integrations(own_db), TokenCipher(key_file))


@pytest.fixture
def tokens(database: OwnDatabase, key_file: KeyFile, tmp_path: Path) -> Tokens:
    """The command on the test's database; what it says holds no token."""

    def command(
        verb: str, *arguments: object, stdin: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        where = ("--database-url", database.app_url, "--data-dir", tmp_path / "data")
        given = {"TOKEN_KEY_FILE": str(key_file.path), "TOKEN_KMS_KEY_ID": "", **environ}
        said = cj("tokens", verb, *arguments, *where, stdin=stdin, **given)
        assert not [c for c in ("canary", "Traceback") if c in said.stdout + said.stderr]
        return said

    return command


async def opened(vault: Vault, shop: str = SHOP) -> str:
    """The token of a shop, out of its seal."""
    row = await vault.integrations.find(shop)
    assert row is not None
    assert row.api_key is not None
    return await vault.cipher.open(row.api_key, row.merchant_id, "api_key")


async def config(db: Database, shop: str) -> dict[str, object]:
    query = sql(
        "SELECT i.config FROM merchant_integrations i JOIN merchants m ON m.id = i.merchant_id "
        "WHERE m.shop_domain = $1"
    )
    row = await db.row(query, shop)
    assert row is not None
    found: dict[str, object] = row["config"]
    return found


@pytest.mark.parametrize("arguments", [(), ("store",), ("import-redis",), ("rotate",)])
def test_each_says_what_it_is_for(arguments: tuple[str, ...]) -> None:
    said = cj("tokens", *arguments, "--help")
    assert (said.returncode, said.stdout.startswith("usage: cj tokens")) == (0, True)
    assert "TOKEN_KEY_FILE" in said.stdout


@pytest.mark.parametrize("arguments", [(), ("store",), ("store", SHOP), ("import-redis",)])
def test_what_is_missing_is_named_with_the_usage(arguments: tuple[str, ...]) -> None:
    said = cj("tokens", *arguments)
    assert said.returncode == 2
    assert said.stderr.startswith("usage: cj tokens")


async def test_a_token_is_stored_sealed_and_works_again_as_often_as_one_likes(
    tokens: Tokens, vault: Vault, own_db: Database, database: OwnDatabase
) -> None:
    first = tokens("store", "corner-candles", CANARY)
    assert (first.returncode, first.stderr) == (0, "")
    assert SHOP in first.stdout
    assert await opened(vault) == CANARY
    stored = await config(own_db, SHOP)
    assert {k: v for k, v in stored.items() if k != "stored_at"} == {
        "shop_domain": SHOP,
        "source": "test_script",
        "scopes": "read_customers,read_orders,read_products",
    }
    again = tokens("store", SHOP, "-", "--scopes", "read_orders", stdin=f"{CANARY}2\n")
    assert again.stdout == first.stdout
    assert await opened(vault) == f"{CANARY}2"
    assert (await config(own_db, SHOP))["scopes"] == "read_orders"
    assert CANARY not in await dump(database.owner_url)


def test_what_cannot_be_stored_is_one_clear_line(tokens: Tokens) -> None:
    for arguments, said in (
        (("evil.com", CANARY), "'evil.com' is no shop"),
        ((SHOP, f"{CANARY} and more"), "This is no Shopify access token."),
        ((SHOP, "-"), "This is no Shopify access token."),
    ):
        answer = tokens("store", *arguments)
        assert (answer.returncode, answer.stdout) == (1, "")
        assert said in answer.stderr
        assert answer.stderr.count("\n") == 1


def test_a_database_needs_the_key_that_its_own_functions_have(tokens: Tokens) -> None:
    answer = tokens("store", SHOP, CANARY, TOKEN_KEY_FILE="")
    assert answer.returncode == 1
    assert "TOKEN_KMS_KEY_ID or TOKEN_KEY_FILE" in answer.stderr
    answer = tokens("store", SHOP, CANARY, TOKEN_KEY_FILE="/dev/null/none")
    assert answer.returncode == 1
    assert "TOKEN_KEY_FILE" in answer.stderr


def test_a_database_that_is_away_or_empty_is_named(
    owner_database: OwnDatabase, key_file: KeyFile
) -> None:
    for url, said in (
        ("postgresql://cj:secret@127.0.0.1:1/cj", "The database does not answer"),
        (owner_database.owner_url, "Run `cj migrate`."),
    ):
        answer = cj("tokens", "rotate", "--database-url", url, TOKEN_KEY_FILE=str(key_file.path))
        assert answer.returncode == 1
        assert said in answer.stderr
        assert "secret" not in answer.stderr


class TestImport:
    @pytest.fixture
    def old(self, redis_url: str) -> Iterator[Redis]:
        """Another service's Redis."""
        with Redis.from_url(redis_url) as client:
            yield client

    def put(self, old: Redis, shop: str, **changed: object) -> None:
        said = {"merchant_id": f"merchant_{shop}", "user_id": "usr_0123abcd", "shop_domain": shop,
                "access_token": CANARY, **changed}  # fmt: skip
        old.set(f"merchant:{shop}", json.dumps(said), ex=86_400)

    async def test_every_token_is_taken_over_and_marked(
        self, tokens: Tokens, old: Redis, redis_url: str, vault: Vault, own_db: Database
    ) -> None:
        for shop in (SHOP, OTHER):
            self.put(old, shop)
        old.set("conversation:1", "{}")
        before = {key: old.dump(key) for key in old.scan_iter()}
        said = tokens("import-redis", redis_url)
        assert (said.returncode, said.stderr) == (0, "")
        assert sorted(said.stdout.splitlines()) == [
            "2/2 merchants migrated",
            f"migrated {SHOP}",
            f"migrated {OTHER}",
        ]
        assert [await opened(vault, shop) for shop in (SHOP, OTHER)] == [CANARY] * 2
        marks = await config(own_db, SHOP)
        assert (marks["shop_domain"], marks["migrated_from_redis"]) == (SHOP, True)
        assert str(marks["migrated_at"]).startswith("20")
        assert {key: old.dump(key) for key in old.scan_iter()} == before
        assert "2/2 merchants migrated" in tokens("import-redis", redis_url).stdout

    def test_each_key_that_cannot_be_taken_over_is_named_and_stops_no_other(
        self, tokens: Tokens, old: Redis, redis_url: str
    ) -> None:
        self.put(old, SHOP)
        self.put(old, "evil.com")
        self.put(old, "a.myshopify.com", access_token=f"{CANARY} {CANARY}")
        self.put(old, "b.myshopify.com", access_token=None)
        old.set("merchant:c", "no JSON")
        old.hset("merchant:d", "access_token", CANARY)
        old.set(b"merchant:\x1b[2J", json.dumps([CANARY]))
        said = tokens("import-redis", redis_url)
        assert said.returncode == 1
        assert sorted(said.stdout.splitlines()) == [
            "1/7 merchants migrated",
            "failed 'merchant:\\x1b[2J': its value is no JSON object",
            "failed merchant:a.myshopify.com: This is no Shopify access token.",
            "failed merchant:b.myshopify.com: it holds no access_token",
            "failed merchant:c: its value is no JSON object",
            "failed merchant:d: its value is no JSON object",
            "failed merchant:evil.com: it names no shop",
            f"migrated {SHOP}",
        ]

    async def test_a_shop_that_has_connected_since_keeps_its_newer_token(
        self, tokens: Tokens, old: Redis, redis_url: str, vault: Vault
    ) -> None:
        merchant = await vault.put(SHOP, "newer", [], {})
        newer = await vault.cipher.seal("newer", merchant, "api_key")
        refresh = await vault.cipher.seal("refresh", merchant, "refresh_token")
        sealed = SealedTokens(newer, refresh, None, None, "")
        await vault.integrations.put(merchant, sealed, {})
        self.put(old, SHOP)
        said = tokens("import-redis", redis_url)
        assert (said.returncode, said.stdout.splitlines()[-1]) == (1, "0/1 merchants migrated")
        assert "has connected since" in said.stdout
        assert await opened(vault) == "newer"

    def test_a_redis_that_is_away_is_one_clear_line(self, tokens: Tokens) -> None:
        for url in ("redis://:redis-canary@127.0.0.1:9", "cache:6379"):
            said = tokens("import-redis", url)
            assert (said.returncode, said.stdout) == (1, "")
            assert said.stderr.startswith("cj tokens: Redis does not answer")


async def test_a_rotation_makes_a_key_and_seals_everything_with_it(
    tokens: Tokens, vault: Vault, own_db: Database, key_file: KeyFile
) -> None:
    for shop in (SHOP, OTHER):
        tokens("store", shop, CANARY)
    said = tokens("rotate")
    assert said.stdout.splitlines() == [
        "Key 2 is the newest now.",
        "2 sealed with the newest key, 0 were already.",
    ]
    rows = await own_db.rows(sql("SELECT api_key FROM merchant_integrations"))
    assert [str(row["api_key"]).startswith("v1.2.") for row in rows] == [True, True]
    assert await opened(vault) == CANARY
    key_file.path.unlink()
    KeyFile.create(key_file.path).add()
    lost = tokens("rotate")
    assert lost.returncode == 1
    assert lost.stdout.count("no key opens its token") == 2

"""`cj tokens`: the stores' access tokens in PostgreSQL, sealed. None is ever printed."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
from cj.domain.shops import scopes_of, shop_domain, typed_shop
from cj.errors import CJError, SettingsInvalid, StoreUnavailable
from cj.shopify.cipher import TokenCipher
from cj.shopify.errors import TokenInvalid
from cj.shopify.keys import KeyFile
from cj.shopify.vault import Vault
from cj.store import Database
from cj.store.integrations import Integrations

from local.commands import CommandError
from local.data_folder import DataFolder
from local.servers.postgres import Postgres

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import AsyncIterator, Iterator

    from cj.shopify.keys import Keys

_OLD_KEYS = "merchant:*"


class _NotImported(Exception):
    """This key cannot be taken over; the text says why and holds nothing of its value."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the tokens are, and what they are sealed with."""

    database_url: str
    keys: Keys

    async def done(self, given: Namespace) -> int:
        """The verb that was asked for; gives the exit status."""
        db = Database(self.database_url, application_name="cj tokens")
        vault = Vault(Integrations(db), TokenCipher(self.keys))
        try:
            if given.verb == "store":
                return await _store(vault, given.shop, _told(given.token), given.scopes)
            if given.verb == "rotate":
                return await _rotate(vault, self.keys)
            return await _import(vault, given.url)
        finally:
            await db.close()


def main(given: Namespace) -> int:
    """0 when it is done, all of it."""
    with _place(given) as place:
        try:
            return asyncio.run(place.done(given))
        except StoreUnavailable as error:
            raise CommandError(
                f"The database does not answer ({error}). Does it run, and is its URL right?"
            ) from None
        except asyncpg.UndefinedTableError:
            raise CommandError("The database has no schema yet. Run `cj migrate`.") from None
        except SettingsInvalid:
            raise
        except CJError as error:
            raise CommandError(error.message) from None


async def _store(vault: Vault, typed: str, token: str, scopes: str) -> int:
    shop = typed_shop(typed)
    if shop is None:
        raise CommandError(f"{typed[:80]!r} is no shop. Say name or name.myshopify.com.")
    granted = scopes_of(scopes)
    config = {
        "shop_domain": shop,
        "stored_at": datetime.now(UTC).isoformat(),
        "source": "test_script",
        "scopes": ",".join(granted),
    }
    merchant = await vault.put(shop, token, granted, config)
    _say(f"The token of {shop} is stored (merchant {merchant}).")
    return 0


def _told(argument: str) -> str:
    """`-`: from standard input, where no list of processes shows it."""
    if argument != "-":
        return argument
    if sys.stdin.isatty():
        return getpass.getpass("Token (it is not shown): ").strip()
    return sys.stdin.readline().strip()


async def _rotate(vault: Vault, keys: Keys) -> int:
    if isinstance(keys, KeyFile):
        _say(f"Key {keys.add()} is the newest now.")
    done = await vault.rotate()
    _say(f"{done.resealed} sealed with the newest key, {done.current + done.late} were already.")
    for merchant in done.unreadable:
        _say(f"merchant {merchant}: no key opens its token. The shop has to be connected again.")
    return 1 if done.unreadable else 0


async def _import(vault: Vault, url: str) -> int:
    """Each key by itself: one that cannot be taken over stops no other."""
    migrated = total = 0
    async for key, value in _old_tokens(url):
        total += 1
        try:
            _say(f"migrated {await _take_over(vault, key, value)}")
            migrated += 1
        except _NotImported as error:
            _say(f"failed {_printable(key)}: {error}")
        except TokenInvalid as error:
            _say(f"failed {_printable(key)}: {error.message}")
    _say(f"{migrated}/{total} merchants migrated")
    return 0 if migrated == total else 1


async def _take_over(vault: Vault, key: str, value: str | None) -> str:
    """The shop. Raises _NotImported and TokenInvalid before anything is stored."""
    old = _old(value)
    shop = shop_domain(str(old.get("shop_domain") or key.partition(":")[2]))
    if shop is None:
        raise _NotImported("it names no shop")
    if not isinstance(old.get("access_token"), str):
        raise _NotImported("it holds no access_token")
    there = await vault.integrations.find(shop)
    if there is not None and there.is_active and there.refresh_token is not None:
        raise _NotImported(f"{shop} has connected since then, and keeps the newer token")
    config = {
        "shop_domain": shop,
        "migrated_from_redis": True,
        "migrated_at": datetime.now(UTC).isoformat(),
    }
    scopes = old.get("scopes") or old.get("scope") or ""
    granted = scopes_of(scopes if isinstance(scopes, str) else ",".join(map(str, scopes)))
    await vault.put(shop, old["access_token"], granted, config)
    return shop


def _old(value: str | None) -> dict[str, Any]:
    try:
        found = json.loads(value) if value is not None else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _NotImported("its value is no JSON object")
    return found


async def _old_tokens(url: str) -> AsyncIterator[tuple[str, str | None]]:
    """Every key with its value, None where it is no text. With SCAN: the server goes on."""
    from redis.asyncio import Redis
    from redis.exceptions import RedisError, ResponseError

    try:
        async with Redis.from_url(url, decode_responses=True, encoding_errors="replace") as client:
            seen: set[str] = set()  # SCAN may give a key twice
            async for key in client.scan_iter(_OLD_KEYS, count=500):
                if key in seen:
                    continue
                seen.add(key)
                value: object = None
                with suppress(ResponseError):
                    value = await client.get(key)
                yield key, value if isinstance(value, str) else None
    except (RedisError, OSError, ValueError) as error:
        raise CommandError(
            f"Redis does not answer ({type(error).__name__}). Is its URL right?"
        ) from None


@contextmanager
def _place(given: Namespace) -> Iterator[_Place]:
    """The first there is: the argument, the environment, the running CJ, the data folder."""
    folder = DataFolder(given.data_dir)
    chosen = given.database_url or os.environ.get("DATABASE_URL")
    running = folder.running()
    if chosen:
        yield _Place(chosen, _keys(None))
    elif running:
        yield _Place(running.migration_url, _keys(folder.token_keys))
    else:
        folder.take()
        try:
            with Postgres(folder.postgres) as server:
                yield _Place(server.owner_url, _keys(folder.token_keys))
        finally:
            folder.release()


def _keys(own: Path | None) -> Keys:
    """Those that the environment names; the data folder's seal what is in the data folder."""
    if named := os.environ.get("TOKEN_KEY_FILE"):
        return KeyFile(Path(named))
    if key_id := os.environ.get("TOKEN_KMS_KEY_ID"):
        import boto3
        from cj.shopify.kms import KmsKeys

        return KmsKeys(boto3.client("kms"), key_id)
    if own is None:
        raise CommandError(
            "Set TOKEN_KMS_KEY_ID or TOKEN_KEY_FILE to what that database's CJ seals tokens with."
        )
    with suppress(FileExistsError):
        KeyFile.create(own)
    return KeyFile(own)


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")

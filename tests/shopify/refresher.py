"""A process of CJ that needs a token: says when it waits for another's refresh, and what it got.

Reads one line of JSON: database, Shopify's address, key file, shop, where its clock stands.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cj.shopify.access import ShopAccess
from cj.shopify.cipher import TokenCipher
from cj.shopify.client_secrets import ClientSecrets
from cj.shopify.http import Addresses, make_http
from cj.shopify.keys import KeyFile
from cj.shopify.oauth import OAuth
from cj.store import Database
from cj.store.integrations import Integrations


def say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def waiting(seconds: float) -> None:
    say(waits=seconds)
    await asyncio.sleep(seconds)


async def main(told: dict[str, Any]) -> None:
    db = Database(told["database"])
    cipher = TokenCipher(KeyFile(Path(told["keys"])))
    async with make_http() as http:
        oauth = OAuth(http, Addresses(told["shopify"]), "id", ClientSecrets(("hush",)), ())
        moment = datetime.fromtimestamp(told["now"], UTC)
        access = ShopAccess(Integrations(db), cipher, oauth, lambda: moment, sleep=waiting)
        found = await access.token(told["shop"], 30)
    say(token=found.token)
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))

"""The parts of a process that reach Shopify and the tokens for it. Built by cj.parts alone."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.settings import required, shopify_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from cj.ephemeral import Ephemeral
    from cj.settings import Settings
    from cj.shopify.access import ShopAccess
    from cj.shopify.cache import StoreCache
    from cj.shopify.cipher import TokenCipher
    from cj.shopify.client_secrets import ClientSecrets
    from cj.shopify.http import Addresses
    from cj.shopify.keys import Keys
    from cj.shopify.oauth import OAuth
    from cj.shopify.tools import StoreTools
    from cj.store import Database

CALLBACK = "/api/v1/shopify/callback"


@dataclass
class ShopifyParts:
    """Each part is built when it is first asked for. Raises SettingsInvalid for what is not set."""

    settings: Settings
    db: Database
    ephemeral: Ephemeral
    secret: Callable[[str], str] | None

    @functools.cached_property
    def http(self) -> httpx.AsyncClient:
        from cj.shopify.http import make_http

        return make_http()

    @functools.cached_property
    def addresses(self) -> Addresses:
        from cj.shopify.http import Addresses

        return Addresses(self.settings.shopify_base_url)

    @functools.cached_property
    def oauth(self) -> OAuth:
        from cj.shopify.oauth import OAuth

        key = required(self.settings.shopify_api_key, "SHOPIFY_API_KEY")
        secrets, scopes = self.client_secrets, self.settings.shopify_scopes
        return OAuth(self.http, self.addresses, key, secrets, scopes)

    @functools.cached_property
    def client_secrets(self) -> ClientSecrets:
        from cj.shopify.client_secrets import ClientSecrets

        newest = required(self.settings.shopify_api_secret, "SHOPIFY_API_SECRET")
        previous = self.settings.shopify_api_secret_previous
        known = (newest, previous) if previous else (newest,)
        arn, secret = self.settings.shopify_api_secret_arn, self.secret
        if arn is None or secret is None:
            return ClientSecrets(known)
        return ClientSecrets(known, lambda: shopify_secrets(secret(arn)))

    @property
    def redirect_uri(self) -> str:
        """Where Shopify sends the merchant back to; registered there in these very words."""
        return f"{self.settings.public_url}{CALLBACK}"

    @functools.cached_property
    def keys(self) -> Keys:
        from cj.shopify.keys import KeyFile

        settings = self.settings
        if settings.token_key_file is not None:
            return KeyFile(settings.token_key_file)
        from cj.shopify.kms import KmsKeys, kms_client

        key_id = required(settings.token_kms_key_id, "TOKEN_KMS_KEY_ID")
        return KmsKeys(kms_client(), key_id)

    @functools.cached_property
    def cipher(self) -> TokenCipher:
        from cj.shopify.cipher import TokenCipher

        return TokenCipher(self.keys)

    @functools.cached_property
    def access(self) -> ShopAccess:
        from cj.shopify.access import ShopAccess
        from cj.store.integrations import Integrations

        return ShopAccess(Integrations(self.db), self.cipher, self.oauth)

    @functools.cached_property
    def cache(self) -> StoreCache:
        from cj.shopify.cache import StoreCache

        return StoreCache(self.ephemeral.do)

    @functools.cached_property
    def tools(self) -> StoreTools:
        from cj.shopify.client import ShopifyClient
        from cj.shopify.tools import StoreTools

        version = self.settings.shopify_api_version
        client = ShopifyClient(self.http, self.addresses, self.access, version)
        return StoreTools(client, self.cache)

"""What Shopify may answer instead of what was asked. Nothing here ever holds a token."""

from __future__ import annotations

from cj.errors import CJError, SettingsInvalid


class ShopifyError(CJError):
    """The top of what the store's side did."""

    code = "shopify_failed"
    message = "CJ could not read your store right now."
    status = 502


class ShopInvalid(ShopifyError):
    """Not the domain of a shop: nothing was sent anywhere."""

    code = "invalid_shop"
    message = "This is no Shopify store."
    status = 400


# The connection


class NotConnected(ShopifyError):
    """No integration, or one that was ended."""

    code = "not_connected"
    message = "No Shopify store is connected."
    status = 409


class ReconnectNeeded(ShopifyError):
    """Shopify takes neither the token nor a refresh of it: only the merchant can help."""

    code = "reconnect"
    message = "Shopify no longer lets CJ read your store. Connect it again."
    status = 409


class TokenUnreadable(ShopifyError):
    """A stored token that none of our keys opens: swapped, damaged, or the key is gone."""

    code = "reconnect"
    message = ReconnectNeeded.message
    status = 409


class TokenInvalid(ShopifyError):
    """A text that can be no token: empty, too long, or with characters no header may hold."""

    code = "invalid_token"
    message = "This is no Shopify access token."
    status = 400


class KeysUnavailable(ShopifyError):
    """KMS gave no key: no token can be read or stored for now."""

    code = "unavailable"
    message = "CJ cannot reach its keys right now. Try again in a moment."
    retryable = True
    retry_ms = 3_000
    status = 503


class KeyInvalid(SettingsInvalid):
    """The key of the tokens is missing or unsafe; the text names the setting."""


# The token endpoint


class CodeRefused(ShopifyError):
    """Shopify does not take this code: used before, or too old."""

    code = "code_refused"
    message = "This link was used before or is too old. Start the connection again from CJ."
    status = 400


class ExchangeFailed(ShopifyError):
    """No answer in time, or none that is a token."""

    code = "exchange_failed"
    message = "Shopify did not answer as it should. Try to connect again in a moment."
    retryable = True


class ScopesMissing(ShopifyError):
    """Fewer permissions were granted than CJ needs; the token was thrown away."""

    code = "scopes_missing"
    status = 403

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(f"not granted: {', '.join(missing)}")
        self.missing = missing
        self.message = f"CJ needs these permissions too: {', '.join(missing)}. Connect again."


class RefreshRefused(ShopifyError):
    """invalid_grant: this refresh token will never work again."""

    code = "reconnect"
    message = ReconnectNeeded.message
    status = 409


# GraphQL


class TokenRefused(ShopifyError):
    """401: this access token is not, or no longer, good."""

    code = "reconnect"
    message = ReconnectNeeded.message
    status = 409


class Throttled(ShopifyError):
    """The store's allowance is used up, and waiting for it takes longer than there is time."""

    code = "rate_limited"
    message = "Shopify asks CJ to slow down. Try again in a moment."
    retryable = True
    status = 429

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"{wait_s:g} s to wait")
        self.wait_s = wait_s
        self.retry_ms = int(wait_s * 1000)


class ShopifyUnavailable(ShopifyError):
    """Trouble at Shopify or on the way there, also after trying again."""

    code = "shopify_unavailable"
    message = "Shopify cannot be reached right now. Try again in a moment."
    retryable = True
    retry_ms = 3_000
    status = 503


class StoreClosed(ShopifyError):
    """402, 403, 404 or 423: the store is frozen, locked, forbidden or not there."""

    code = "store_closed"

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.message = _CLOSED.get(status, self.message)


class ScopeMissing(ShopifyError):
    """Nothing of the answer was left without the scopes that are not granted."""

    code = "scopes_missing"
    status = 403

    def __init__(self, missing: tuple[str, ...]) -> None:
        names = ", ".join(missing) or "a permission"
        super().__init__(f"ACCESS_DENIED: {names}")
        self.missing = missing
        self.message = f"CJ may not read this in your store: {names} is not granted."


class QueryTooLarge(ShopifyError):
    """MAX_COST_EXCEEDED: an operation of ours asks for too much at once."""


class QueryRefused(ShopifyError):
    """GraphQL errors that name nothing a merchant can change: an operation of ours is wrong."""


_CLOSED = {
    402: "Shopify has frozen this store until a bill is paid.",
    403: "Shopify does not let CJ read this store.",
    404: "Shopify knows no store under this name.",
    423: "Shopify has locked this store for now.",
}

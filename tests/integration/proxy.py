"""The proxy under the name the integration tests know."""

from tests.proxy import Proxy, through

__all__ = ["Proxy", "through"]

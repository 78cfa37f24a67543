"""CJ: a chat assistant for Shopify merchants."""

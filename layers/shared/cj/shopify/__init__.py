"""Shopify: tokens, GraphQL, and the four questions CJ asks a store."""

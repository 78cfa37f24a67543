"""A simulated Shopify for one machine: OAuth, the GraphQL Admin API and webhooks, on loopback only.

What Shopify serves at `https://{shop}/admin/...` is served here at `{base URL}/{shop}/admin/...`,
where the base URL is `Simulator.url`, the setting SHOPIFY_BASE_URL of the application:

    {base}/{shop}/admin/oauth/authorize                 a person: consent page
    {base}/{shop}/admin/oauth/access_token              the application: codes and refresh tokens
    {base}/{shop}/admin/api/{version}/graphql.json      the application: data
    {base}/                                             a person: shops, clock, faults, deliveries
    {base}/control/...                                  tests: the same as JSON (see control.py)

It knows nothing of CJ: what both sides must agree on (the signing rule, the field names) is written
down on each side, so that a mistake in one of them is found.
"""

-- name: find_integration
-- A shop's tokens as they are stored, sealed.
-- repeatable
SELECT i.merchant_id, i.api_key, i.refresh_token, i.expires_at, i.refresh_expires_at, i.scopes,
       i.is_active
  FROM merchants m JOIN merchant_integrations i ON i.merchant_id = m.id AND i.type = 'shopify'
 WHERE m.shop_domain = $1;

-- name: put_merchant
-- The merchant of a shop, made if it is new; gives the id that counts, which may be an older one.
-- repeatable
SELECT shop_merchant_v1($3, $2, $1) AS id;

-- name: put_integration
-- The tokens of a merchant, in place of any that were there; a running refresh finds itself late.
-- repeatable
INSERT INTO merchant_integrations (merchant_id, type, api_key, refresh_token, expires_at,
        refresh_expires_at, scopes, config)
VALUES ($1, 'shopify', $2, $3, $4, $5, $6, $7)
ON CONFLICT (merchant_id, type) DO UPDATE SET api_key = EXCLUDED.api_key,
        refresh_token = EXCLUDED.refresh_token, expires_at = EXCLUDED.expires_at,
        refresh_expires_at = EXCLUDED.refresh_expires_at, scopes = EXCLUDED.scopes,
        config = EXCLUDED.config, is_active = true, refreshing_by = NULL, refreshing_until = NULL,
        updated_at = clock_timestamp();

-- name: claim_refresh
-- The right to refresh for a while, if nobody has it and the refresh token is still the one seen.
-- repeatable
UPDATE merchant_integrations
   SET refreshing_by = $3, refreshing_until = clock_timestamp() + $4::interval
 WHERE merchant_id = $1 AND type = 'shopify' AND is_active AND refresh_token = $2
   AND (refreshing_until IS NULL OR refreshing_until < clock_timestamp() OR refreshing_by = $3)
RETURNING merchant_id;

-- name: release_refresh
-- The right is given back, if it is still ours: nothing was refreshed.
-- repeatable
UPDATE merchant_integrations SET refreshing_by = NULL, refreshing_until = NULL
 WHERE merchant_id = $1 AND type = 'shopify' AND refreshing_by = $2;

-- name: store_refreshed
-- The new pair in place of the one it was made from; no row: that one is there no longer.
-- repeatable
UPDATE merchant_integrations
   SET api_key = $3, refresh_token = $4, expires_at = $5, refresh_expires_at = $6, scopes = $7,
       refreshing_by = NULL, refreshing_until = NULL, updated_at = clock_timestamp()
 WHERE merchant_id = $1 AND type = 'shopify' AND is_active AND refresh_token IN ($2, $4)
RETURNING merchant_id;

-- name: end_integration
-- These tokens are over, unless others are there by now; the merchant has to connect again.
-- repeatable
UPDATE merchant_integrations
   SET is_active = false, refreshing_by = NULL, refreshing_until = NULL,
       updated_at = clock_timestamp()
 WHERE merchant_id = $1 AND type = 'shopify' AND is_active AND api_key = $2;

-- name: integrations_after
-- The next integrations with tokens, in the order of their merchants.
-- repeatable
SELECT merchant_id, api_key, refresh_token, expires_at, refresh_expires_at, scopes, is_active
  FROM merchant_integrations
 WHERE type = 'shopify' AND api_key IS NOT NULL AND merchant_id > $1
 ORDER BY merchant_id LIMIT $2;

-- name: reseal_integration
-- The same tokens sealed with another key, unless others are there by now.
-- repeatable
UPDATE merchant_integrations SET api_key = $4, refresh_token = $5, updated_at = clock_timestamp()
 WHERE merchant_id = $1 AND type = 'shopify' AND api_key IN ($2, $4)
   AND (refresh_token IS NOT DISTINCT FROM $3 OR refresh_token IS NOT DISTINCT FROM $5)
RETURNING merchant_id;

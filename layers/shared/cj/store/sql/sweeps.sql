-- name: delete_expired_sessions
-- At most $1 sessions that are over; two sweeps at once take different ones.
-- repeatable
WITH gone AS (
    DELETE FROM web_sessions WHERE token_hash IN (
        SELECT token_hash FROM web_sessions WHERE expires_at <= clock_timestamp()
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_expired_oauth_states
-- At most $1 sign-ins nobody finished; two sweeps at once take different ones.
-- repeatable
WITH gone AS (
    DELETE FROM oauth_csrf_state WHERE state_hash IN (
        SELECT state_hash FROM oauth_csrf_state WHERE expires_at <= clock_timestamp()
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_expired_connections
-- At most $1 connections whose end was never told; two sweeps at once take different ones.
-- repeatable
WITH gone AS (
    DELETE FROM ws_connections WHERE connection_id IN (
        SELECT connection_id FROM ws_connections WHERE expires_at <= clock_timestamp()
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_expired_deliveries
-- At most $1 webhook ids that Shopify sends no more; two sweeps at once take different ones.
-- repeatable
WITH gone AS (
    DELETE FROM webhook_deliveries WHERE webhook_id IN (
        SELECT webhook_id FROM webhook_deliveries
         WHERE received_at <= clock_timestamp() - interval '30 days' AND left_to_do IS NULL
         ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT count(*) FROM gone;

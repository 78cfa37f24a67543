-- name: take_delivery
-- A webhook's effect, once however often it comes, and what is left to do outside PostgreSQL.
-- repeatable
SELECT o_outcome, o_left FROM shop_delivery_v1($1, $2, $3, $4, $5, $6);

-- name: finish_delivery
-- Nothing is left to do for it.
-- repeatable
UPDATE webhook_deliveries SET left_to_do = NULL WHERE webhook_id = $1;

-- name: unfinished_deliveries
-- At most $1 deliveries that somebody began more than $2 ago and nobody finished, oldest first.
-- repeatable
SELECT webhook_id, left_to_do FROM webhook_deliveries
 WHERE left_to_do IS NOT NULL AND received_at < clock_timestamp() - $2::interval
 ORDER BY received_at LIMIT $1;

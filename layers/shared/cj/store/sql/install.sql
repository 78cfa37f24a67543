-- name: keep_oauth_state
-- A sign-in that was begun: which shop, by which browser, and where it wants to go afterwards.
-- repeatable
INSERT INTO oauth_csrf_state (state_hash, shop_domain, session_hash, conversation_id, return_to,
        expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (state_hash) DO NOTHING;

-- name: take_oauth_state
-- A sign-in that was begun in this browser for this shop, and can be ended once; no row: not so.
DELETE FROM oauth_csrf_state
 WHERE state_hash = $1 AND session_hash = $2 AND shop_domain = $3
   AND expires_at > clock_timestamp()
RETURNING conversation_id, return_to,
    (SELECT m.id FROM merchants m WHERE m.shop_domain = $3) AS merchant_id;

-- name: install_shop
-- Everything an installation leaves behind, or nothing if the shop has another merchant id.
-- repeatable
SELECT o_merchant, o_user, o_new, o_cid, o_claimed, o_connections, o_listening
  FROM shop_install_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: owner_in_shop
-- Whose conversation this is, if it belongs to the user of that shop; no row: it does not.
-- repeatable
SELECT c.owner_id
  FROM users u JOIN conversations c ON c.owner_id = u.id
 WHERE u.shop_domain = $1 AND c.id = $2;

-- name: is_answered
-- Whether CJ has answered everything up to an input.
-- repeatable
SELECT answered_through >= $2 AS answered FROM conversations WHERE id = $1;

-- name: record_event
-- Something that happened, once for its id.
-- repeatable
INSERT INTO events (id, user_id, event_type, event_data) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO NOTHING;

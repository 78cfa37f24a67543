-- name: create_session
-- A new session for a browser; the owner must exist where it is a user.
-- repeatable
INSERT INTO web_sessions (token_hash, owner_id, user_id, expires_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (token_hash) DO UPDATE SET last_seen = clock_timestamp()
    WHERE web_sessions.owner_id = EXCLUDED.owner_id
RETURNING token_hash, owner_id, user_id, expires_at,
    (SELECT u.shop_domain FROM users u WHERE u.id = $3) AS shop_domain;

-- name: find_session
-- The session of a cookie while it is neither over nor revoked.
-- repeatable
SELECT s.token_hash, s.owner_id, s.user_id, s.expires_at, u.shop_domain
  FROM web_sessions s LEFT JOIN users u ON u.id = s.user_id
 WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp();

-- name: revoke_session
-- Ends a session for good; gives the connections that were opened with it, to be closed.
-- repeatable
WITH revoked AS (
    UPDATE web_sessions SET revoked_at = coalesce(revoked_at, clock_timestamp())
     WHERE token_hash = $1
)
SELECT connection_id FROM ws_connections WHERE token_hash = $1 ORDER BY connection_id;

-- name: admit_connection
-- Remembers a connection and its owner's conversation, if its session is live and seen now.
-- repeatable
WITH session AS (
    UPDATE web_sessions SET last_seen = clock_timestamp()
     WHERE token_hash = $2 AND revoked_at IS NULL AND expires_at > clock_timestamp()
    RETURNING token_hash, owner_id, user_id
), admitted AS (
    INSERT INTO ws_connections (connection_id, owner_id, token_hash, expires_at, conversation_id)
    SELECT $1, s.owner_id, s.token_hash, $3,
           (SELECT c.id FROM conversations c WHERE c.id = $4 AND c.owner_id = s.owner_id)
      FROM session s
    ON CONFLICT (connection_id) DO UPDATE SET owner_id = EXCLUDED.owner_id,
        token_hash = EXCLUDED.token_hash, expires_at = EXCLUDED.expires_at,
        conversation_id = EXCLUDED.conversation_id
    RETURNING connection_id, conversation_id
)
SELECT a.connection_id, s.owner_id, s.user_id, s.token_hash, a.conversation_id
  FROM admitted a, session s;

-- name: find_caller
-- Who speaks on a connection, while its session is live.
-- repeatable
SELECT w.connection_id, s.owner_id, s.user_id, s.token_hash, w.conversation_id
  FROM ws_connections w JOIN web_sessions s ON s.token_hash = w.token_hash
 WHERE w.connection_id = $1 AND w.expires_at > clock_timestamp()
   AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp();

-- name: forget_connection
-- The connection is gone; gives what it looked at.
-- repeatable
DELETE FROM ws_connections WHERE connection_id = $1 RETURNING conversation_id;

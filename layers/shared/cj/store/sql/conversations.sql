-- name: open_conversation
-- Subscribes, then reads; no row for a missing conversation or somebody else's.
-- repeatable
SELECT o_id, o_workflow_name, o_title, o_last_seq, o_turn, o_fence, o_invoke, o_ended,
       o_connections, o_messages, o_more,
       (SELECT u.shop_domain FROM users u JOIN merchant_integrations i
            ON i.merchant_id = u.merchant_id AND i.type = 'shopify' AND i.is_active
         WHERE u.id = $1) AS shop
  FROM chat_open_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: silent_conversation
-- The owner's newest conversation in which nothing was said yet; no row: there is none.
-- repeatable
SELECT id FROM conversations
 WHERE owner_id = $1 AND message_count = 0
 ORDER BY created_at DESC LIMIT 1;

-- name: list_conversations
-- An owner's conversations in which something was said, the newest first, from one index.
-- repeatable
SELECT id, conversation_title_v1(title, workflow_name, merchant_id) AS title, preview, updated_at,
       message_count
  FROM conversations
 WHERE owner_id = $1 AND message_count > 0
   AND (updated_at, id) < ($2, $3)
 ORDER BY updated_at DESC, id DESC LIMIT $4;

-- name: read_conversation
-- Archive and rows in one statement: a move between them is never seen.
-- repeatable
SELECT id, workflow_name, conversation_title_v1(title, workflow_name, merchant_id) AS title,
       started_at, ended_at, last_seq, chat_view_v1(id, $3, $4) AS page
  FROM conversations WHERE id = $2 AND owner_id = $1;

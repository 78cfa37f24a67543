-- name: receive
-- Makes an input durable and takes the turn if it is free.
-- repeatable
SELECT o_outcome, o_seq, o_message_id, o_created_at, o_turn, o_fence, o_invoke, o_ended,
       o_connections
  FROM chat_receive_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: begin_turn
-- The fence goes up and the turn is this worker's; no row: it is not.
-- repeatable
SELECT o_fence, o_from, o_through, o_last_seq, o_owner_id, o_user_id, o_merchant_id,
       o_workflow_name, o_connections, o_window
  FROM chat_begin_turn_v1($1, $2, $3, $4, $5, $6);

-- name: renew_turn
-- The lease goes on; no row: the fence is stale.
-- repeatable
SELECT o_stop, o_connections FROM chat_renew_turn_v1($1, $2, $3, $4);

-- name: end_turn
-- The answer is durable and the turn released or handed over; no row: the fence is stale.
-- repeatable
SELECT o_seq, o_created_at, o_next, o_fence, o_connections
  FROM chat_end_turn_v1($1, $2, $3, $4, $5, $6);

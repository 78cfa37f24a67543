-- name: receive
-- Makes an input durable and takes the turn if it is free.
-- repeatable
SELECT o_outcome, o_seq, o_message_id, o_created_at, o_control, o_supersedes_from, o_turn,
       o_fence, o_invoke, o_ended, o_workflow_name, o_connections
  FROM chat_receive_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: begin_turn
-- The fence goes up and the turn is this worker's; no row: it is not.
-- repeatable
SELECT o_fence, o_from, o_through, o_last_seq, o_stop, o_owner_id, o_user_id, o_merchant_id,
       o_workflow_name, o_shop, o_inputs, o_connections, o_window
  FROM chat_begin_turn_v2($1, $2, $3, $4, $5, $6);

-- name: renew_turn
-- The lease goes on; no row: the fence is stale.
-- repeatable
SELECT o_stop, o_connections FROM chat_renew_turn_v1($1, $2, $3, $4);

-- name: end_turn
-- The answer is durable and the turn released or handed over; no row: the fence is stale.
-- repeatable
SELECT o_seq, o_created_at, o_next, o_fence, o_connections
  FROM chat_end_turn_v1($1, $2, $3, $4, $5, $6);

-- name: stop_turn
-- The running turn's worker will be told to be silent; NULL: not this owner's.
-- repeatable
SELECT chat_stop_v1($1, $2, $3) AS found;

-- name: drain
-- What was kept while PostgreSQL was away is durable, in its order; no row: no conversation.
-- repeatable
SELECT o_rows, o_messages, o_owner_id, o_workflow_name, o_last_seq, o_turn, o_fence, o_invoke,
       o_ended, o_connections
  FROM chat_drain_v1($1, $2, $3, $4);

-- name: revive_dead_turns
-- Turns whose lease ran out are handed out again or ended; repeated, it takes the next ones.
SELECT o_id, o_turn, o_fence, o_invoke, o_ended, o_connections
  FROM chat_revive_dead_v1($1, $2);

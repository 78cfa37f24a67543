-- Opening a conversation: subscribe first, then read, in one round trip. Under the lock the end
-- of a turn comes either before (its answer is read) or after (it sees the subscription).
-- No row: missing, or another owner's. Without p_cid: the owner's still empty conversation of
-- this workflow, else a new one; two tabs at once get the same. With p_lease a dead turn found
-- on the way is handed out again, and o_invoke tells of every turn nobody has begun.

CREATE FUNCTION chat_open_v1(p_owner text, p_cid uuid, p_connection text, p_new uuid,
    p_workflow text, p_tail int, p_after int, p_limit int, p_turn uuid, p_lease interval)
RETURNS TABLE (o_id uuid, o_workflow_name text, o_title text, o_last_seq int, o_turn uuid,
    o_fence bigint, o_invoke boolean, o_ended json, o_connections text[], o_messages json,
    o_more boolean)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE c record; after_seq int;
BEGIN
    IF p_cid IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_owner, 0));
        SELECT id, workflow_name, title, last_seq, turn_id, turn_fence, turn_until, turn_worker
          INTO c FROM conversations
         WHERE owner_id = p_owner AND last_seq = 0 AND workflow_name = p_workflow
         ORDER BY created_at DESC LIMIT 1 FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            INSERT INTO conversations (id, owner_id, user_id, merchant_id, workflow_name)
            SELECT p_new, p_owner, u.id, u.merchant_id, p_workflow
              FROM (VALUES (p_owner)) o(id) LEFT JOIN users u ON u.id = o.id
            RETURNING id, workflow_name, title, last_seq, turn_id, turn_fence, turn_until,
                      turn_worker INTO c;
        END IF;
    ELSE
        SELECT id, workflow_name, title, last_seq, turn_id, turn_fence, turn_until, turn_worker
          INTO c FROM conversations WHERE id = p_cid AND owner_id = p_owner FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;
    IF p_lease IS NOT NULL AND c.turn_until < clock_timestamp() THEN
        SELECT r.o_ended INTO o_ended FROM chat_revive_v1(c.id, p_turn, p_lease) r;
        SELECT id, workflow_name, title, last_seq, turn_id, turn_fence, turn_worker INTO c
          FROM conversations WHERE id = c.id;
    END IF;
    UPDATE ws_connections SET conversation_id = c.id
     WHERE connection_id = p_connection AND owner_id = p_owner;
    after_seq := coalesce(p_after, greatest(c.last_seq - p_tail, 0));
    o_id := c.id;
    o_workflow_name := c.workflow_name;
    o_title := c.title;
    o_last_seq := c.last_seq;
    o_turn := c.turn_id;
    o_fence := CASE WHEN c.turn_id IS NOT NULL THEN c.turn_fence END;
    -- The first invocation may be lost, or our reply was. A second does no harm: the fence.
    o_invoke := p_lease IS NOT NULL AND c.turn_id IS NOT NULL AND c.turn_worker IS NULL;
    o_connections := chat_connections_v1(c.id, p_owner);
    o_messages := chat_view_v1(c.id, after_seq, p_limit);
    -- More to page: behind the tail are older ones, behind a page from p_after newer ones.
    o_more := CASE WHEN p_after IS NULL THEN after_seq > 0 ELSE c.last_seq - p_after > p_limit END;
    RETURN NEXT;
END $$;

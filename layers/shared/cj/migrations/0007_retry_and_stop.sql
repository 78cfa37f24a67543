-- Retry, stop, and an open that reads no messages the caller has already.
--
-- Receive, begin and open are new versions of the functions of 0005 and 0006, which stay for code
-- of yesterday. The rules there hold here: one round trip, the lock first and then the look, the
-- clock after the wait, and any of them may be repeated when its reply was lost.

-- A message by its own id, in the rows or in the archive; no row if nowhere.
CREATE FUNCTION chat_find_v1(p_cid uuid, p_id uuid)
RETURNS TABLE (seq int, role text, control text)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT m.seq, m.role, m.control FROM messages m
     WHERE m.conversation_id = p_cid AND m.id = p_id
    UNION ALL
    SELECT (e ->> 'seq')::int, e ->> 'role', e ->> 'control'
      FROM conversations c, jsonb_array_elements(c.messages) e
     WHERE c.id = p_cid AND e ->> 'id' = p_id::text;
END $$;

-- Makes an input durable. With p_of it is a retry: without words of a message of CJ's (a
-- regenerate), with words of one of the owner's own (an edit); `unfit` if p_of is neither. The
-- outcomes else: new, dup, id_conflict, out_of_order, overloaded, busy, not_found. Whatever the
-- outcome: o_invoke says that a worker must be invoked with (o_turn, o_fence), and o_ended is the
-- error row of a turn that died for good just now.
CREATE FUNCTION chat_receive_v2(p_cid uuid, p_owner text, p_id uuid, p_client uuid, p_prev uuid,
    p_text text, p_title text, p_of uuid, p_control text, p_supersedes_from int, p_turn uuid,
    p_lease interval, p_max_waiting int,
    OUT o_outcome text, OUT o_seq int, OUT o_message_id uuid, OUT o_created_at timestamptz,
    OUT o_control text, OUT o_supersedes_from int, OUT o_turn uuid, OUT o_fence bigint,
    OUT o_invoke boolean, OUT o_ended json, OUT o_workflow_name text, OUT o_connections text[])
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    c record; m record; now_ timestamptz; words text := coalesce(p_text, '');
    control_ text := p_control; supersedes_from_ int := p_supersedes_from; fits boolean;
BEGIN
    o_invoke := false;
    SELECT last_seq, answered_through, archived_through_seq, turn_id, turn_through, turn_fence,
           turn_until, turn_worker, workflow_name INTO c
      FROM conversations WHERE id = p_cid AND owner_id = p_owner FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        o_outcome := 'not_found';
        RETURN;
    END IF;
    now_ := clock_timestamp();
    o_workflow_name := c.workflow_name;
    o_connections := ARRAY(SELECT connection_id FROM ws_connections
        WHERE conversation_id = p_cid AND owner_id = p_owner AND expires_at > now_);
    IF c.turn_until < now_ THEN
        SELECT r.o_invoke, r.o_ended INTO o_invoke, o_ended
          FROM chat_revive_v1(p_cid, p_turn, p_lease) r;
        SELECT last_seq, answered_through, archived_through_seq, turn_id, turn_through, turn_fence,
               turn_worker INTO c
          FROM conversations WHERE id = p_cid;
    END IF;
    o_turn := c.turn_id;
    o_fence := c.turn_fence;
    IF p_of IS NOT NULL THEN
        control_ := CASE WHEN words = '' THEN 'regenerate' END;
        SELECT f.seq, CASE WHEN words = '' THEN f.role = 'assistant'
                      ELSE f.role = 'user' AND f.control IS NULL END
          INTO supersedes_from_, fits FROM chat_find_v1(p_cid, p_of) f;
    END IF;

    SELECT seq, id, text, control, supersedes_from, created_at INTO m
      FROM messages WHERE conversation_id = p_cid AND client_id = p_client;
    IF NOT FOUND AND c.archived_through_seq > 0 THEN
        SELECT * INTO m FROM chat_find_archived_v1(p_cid, p_client);
    END IF;
    IF m.seq IS NOT NULL THEN
        IF (m.text, m.control, m.supersedes_from)
           IS DISTINCT FROM (words, control_, supersedes_from_) THEN
            o_outcome := 'id_conflict';
            RETURN;
        END IF;
        o_outcome := 'dup';
        o_seq := m.seq;
        o_message_id := m.id;
        o_created_at := m.created_at;
        o_control := m.control;
        o_supersedes_from := m.supersedes_from;
        -- Taken, and nobody has begun: the first invocation may be lost. A second does no harm.
        o_invoke := o_invoke OR c.turn_id IS NOT NULL AND c.turn_worker IS NULL;
        RETURN;
    END IF;
    o_outcome := CASE
        WHEN p_prev IS NOT NULL
             AND NOT EXISTS (SELECT FROM messages WHERE conversation_id = p_cid AND client_id = p_prev)
             AND NOT EXISTS (SELECT FROM chat_find_archived_v1(p_cid, p_prev))
            THEN 'out_of_order'
        WHEN supersedes_from_ > c.last_seq OR p_of IS NOT NULL AND supersedes_from_ IS NULL
            THEN 'not_found'
        WHEN NOT fits THEN 'unfit'
        WHEN c.turn_id IS NULL THEN 'new' -- CJ is silent: nothing waits
        WHEN supersedes_from_ IS NOT NULL THEN 'busy'
        -- What a turn answers does not wait. Until it is begun that is one, and who comes in time.
        WHEN (SELECT count(*) FROM messages WHERE conversation_id = p_cid
                 AND seq > coalesce(c.turn_through, c.answered_through)
                 AND (role = 'user' OR control IS NOT NULL))
             >= p_max_waiting + (c.turn_through IS NULL)::int THEN 'overloaded'
        ELSE 'new' END;
    IF o_outcome <> 'new' THEN
        RETURN;
    END IF;

    o_seq := c.last_seq + 1;
    o_message_id := p_id;
    o_created_at := now_;
    o_control := control_;
    o_supersedes_from := supersedes_from_;
    INSERT INTO messages (conversation_id, seq, id, client_id, role, control, text,
            supersedes_from, created_at)
    VALUES (p_cid, o_seq, p_id, p_client, CASE control_ WHEN 'trigger' THEN 'system' ELSE 'user' END,
            control_, words, supersedes_from_, now_);
    IF c.turn_id IS NULL THEN
        o_turn := p_turn;
        o_fence := c.turn_fence + 1;
        o_invoke := true;
    END IF;
    UPDATE conversations SET last_seq = o_seq, last_input_seq = o_seq,
           turn_id = o_turn, turn_fence = o_fence,
           turn_until = CASE WHEN c.turn_id IS NULL THEN now_ + p_lease ELSE turn_until END,
           turn_attempts = CASE WHEN c.turn_id IS NULL THEN 1 ELSE turn_attempts END,
           message_count = message_count + (control_ IS NULL)::int,
           title = CASE WHEN control_ IS NULL THEN coalesce(title, p_title) ELSE title END,
           preview = CASE WHEN control_ IS NULL THEN left(words, 140) ELSE preview END,
           started_at = CASE WHEN c.last_seq = 0 THEN now_ ELSE started_at END,
           updated_at = now_, last_message_at = now_, ended_at = NULL
     WHERE id = p_cid;
END $$;

-- Somebody wants CJ to be silent: `stopping`, or `over` if that turn does not run any more; NULL
-- for a missing conversation and for another owner's. The next begin or renewal tells the worker.
CREATE FUNCTION chat_stop_v1(p_cid uuid, p_owner text, p_turn uuid) RETURNS text
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE running uuid;
BEGIN
    SELECT turn_id INTO running
      FROM conversations WHERE id = p_cid AND owner_id = p_owner FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF running IS DISTINCT FROM p_turn THEN
        RETURN 'over';
    END IF;
    UPDATE conversations SET turn_stop = true WHERE id = p_cid;
    RETURN 'stopping';
END $$;

-- The worker's first statement; no row: somebody else has this turn, go away. Two deliveries of
-- one invocation are two workers, and the fence lets one of them in. p_worker lets a repeat
-- after a lost reply find its own claim again. o_inputs: the client's ids of what it answers;
-- o_stop: somebody was quicker and wants CJ to be silent; o_shop: the owner's, while CJ may read it.
CREATE FUNCTION chat_begin_turn_v2(p_cid uuid, p_turn uuid, p_fence bigint, p_worker uuid,
    p_lease interval, p_window int)
RETURNS TABLE (o_fence bigint, o_from int, o_through int, o_last_seq int, o_stop boolean,
    o_owner_id text, o_user_id text, o_merchant_id uuid, o_workflow_name text, o_shop text,
    o_inputs uuid[], o_connections text[], o_window json)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE conversations SET turn_fence = p_fence + 1, turn_worker = p_worker,
           turn_until = clock_timestamp() + p_lease,
           turn_through = CASE WHEN turn_fence = p_fence THEN last_input_seq ELSE turn_through END
     WHERE id = p_cid AND turn_id = p_turn
       AND (turn_fence = p_fence AND turn_worker IS NULL
            OR turn_fence = p_fence + 1 AND turn_worker = p_worker)
    RETURNING turn_fence, answered_through + 1, turn_through, last_seq, turn_stop, owner_id,
              user_id, merchant_id, workflow_name
      INTO o_fence, o_from, o_through, o_last_seq, o_stop, o_owner_id, o_user_id, o_merchant_id,
           o_workflow_name;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT u.shop_domain INTO o_shop
      FROM users u JOIN merchant_integrations i
           ON i.merchant_id = u.merchant_id AND i.type = 'shopify' AND i.is_active
     WHERE u.id = o_owner_id;
    o_inputs := ARRAY(SELECT client_id FROM messages
        WHERE conversation_id = p_cid AND seq BETWEEN o_from AND o_through
          AND client_id IS NOT NULL ORDER BY seq);
    o_connections := chat_connections_v1(p_cid, o_owner_id);
    o_window := chat_window_v1(p_cid, o_from, o_through, p_window);
    RETURN NEXT;
END $$;

-- What a page opens that names none: a greeting that is asked for and not made leaves it silent.
CREATE INDEX conversations_silent ON conversations (owner_id) WHERE message_count = 0;

-- Opening a conversation: subscribe first, then read, in one round trip. Under the lock the end
-- of a turn comes either before (its answer is read) or after (it sees the subscription).
-- No row: missing, or another owner's. Without p_cid: the owner's newest conversation in which
-- nothing was said yet, also one in which CJ is about to greet, else a new one of p_workflow; two
-- tabs at once get the same. With p_lease a dead turn found on the way is handed out again, and
-- o_invoke tells of every turn nobody has begun. A caller who holds the newest messages up to
-- p_known is given none (NULL) if there is nothing newer.
CREATE FUNCTION chat_open_v2(p_owner text, p_cid uuid, p_connection text, p_new uuid,
    p_workflow text, p_tail int, p_after int, p_known int, p_limit int, p_turn uuid,
    p_lease interval)
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
         WHERE owner_id = p_owner AND message_count = 0
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
    IF p_after IS NOT NULL OR p_known IS DISTINCT FROM c.last_seq THEN
        o_messages := chat_view_v1(c.id, after_seq, p_limit);
    END IF;
    -- More to page: behind the tail are older ones, behind a page from p_after newer ones.
    o_more := CASE WHEN p_after IS NULL THEN after_seq > 0 ELSE c.last_seq - p_after > p_limit END;
    RETURN NEXT;
END $$;

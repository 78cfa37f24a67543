-- The turns. One turn of CJ at a time per conversation: receive takes it, begin fences it, end
-- releases it or hands over to the next. Each function is one round trip, locks the conversation
-- first and looks afterwards (a snapshot from before the wait would miss what the lock's holder
-- did), reads the clock after the wait, and may be repeated when its reply was lost.
--
-- turn_fence rises with every hand-out and every begin, so of two workers one writes.

-- The answer of the running turn: its row, the counters, and the release, or the next turn if
-- inputs came meanwhile. The caller holds the row's lock.
CREATE FUNCTION chat_close_turn_v1(p_cid uuid, p_answer jsonb, p_next uuid, p_lease interval,
    OUT o_seq int, OUT o_created_at timestamptz, OUT o_next uuid, OUT o_fence bigint)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE c record; words text := coalesce(p_answer ->> 'text', ''); through int;
BEGIN
    SELECT last_seq, last_input_seq, answered_through, turn_id, turn_through, turn_fence INTO c
      FROM conversations WHERE id = p_cid;
    o_created_at := clock_timestamp();
    through := coalesce(c.turn_through, c.last_input_seq);
    o_seq := c.last_seq + 1;
    o_fence := c.turn_fence + 1;
    o_next := CASE WHEN c.last_input_seq > through THEN p_next END;
    INSERT INTO messages (conversation_id, seq, id, role, text, content, status, answers_from,
            answers_through, turn_id, model, input_tokens, output_tokens, cache_tokens,
            latency_ms, ttft_ms, sources, ui, created_at)
    SELECT p_cid, o_seq, a.id, 'assistant', words,
           a.content, a.status, c.answered_through + 1, through, c.turn_id, a.model,
           a.input_tokens, a.output_tokens, a.cache_tokens, a.latency_ms, a.ttft_ms, a.sources,
           a.ui, o_created_at
      FROM jsonb_to_record(p_answer) AS a(id uuid, content jsonb, status text, model text,
           input_tokens int, output_tokens int, cache_tokens int, latency_ms int, ttft_ms int,
           sources jsonb, ui jsonb);
    UPDATE conversations SET last_seq = o_seq, answered_through = through,
           message_count = message_count + 1,
           preview = CASE WHEN words = '' THEN preview ELSE left(words, 140) END,
           turn_id = o_next, turn_fence = o_fence, turn_worker = NULL, turn_through = NULL,
           turn_stop = false, turn_attempts = (o_next IS NOT NULL)::int,
           turn_until = CASE WHEN o_next IS NOT NULL THEN o_created_at + p_lease END,
           updated_at = o_created_at, last_message_at = o_created_at, ended_at = NULL
     WHERE id = p_cid;
END $$;

-- A turn whose lease ran out is handed out again; after the third time it ends with an error row
-- that bears the dead turn's id, so that nobody waits for ever. The caller holds the lock, has
-- seen the lease run out, and invokes a worker if o_invoke.
CREATE FUNCTION chat_revive_v1(p_cid uuid, p_next uuid, p_lease interval,
    OUT o_invoke boolean, OUT o_ended json)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE c record; closed record;
BEGIN
    SELECT turn_id, turn_attempts INTO c FROM conversations WHERE id = p_cid;
    IF c.turn_attempts < 3 THEN
        UPDATE conversations SET turn_fence = turn_fence + 1, turn_worker = NULL,
               turn_attempts = turn_attempts + 1, turn_until = clock_timestamp() + p_lease
         WHERE id = p_cid;
        o_invoke := true;
        RETURN;
    END IF;
    closed := chat_close_turn_v1(p_cid, jsonb_build_object('id', c.turn_id, 'status', 'error',
        'text', 'Something went wrong and CJ could not answer. Please ask again.'), p_next, p_lease);
    o_invoke := closed.o_next IS NOT NULL;
    SELECT chat_public_v1(m) INTO o_ended
      FROM messages m WHERE m.conversation_id = p_cid AND m.seq = closed.o_seq;
END $$;

-- Makes an input durable: outcome new, dup, id_conflict, out_of_order, overloaded, busy, or
-- not_found. Whatever the outcome: o_invoke says that a worker must be invoked with
-- (o_turn, o_fence), and o_ended is the error row of a turn that died for good just now.
CREATE FUNCTION chat_receive_v1(p_cid uuid, p_owner text, p_id uuid, p_client uuid, p_prev uuid,
    p_text text, p_title text, p_control text, p_supersedes_from int, p_turn uuid,
    p_lease interval, p_max_waiting int,
    OUT o_outcome text, OUT o_seq int, OUT o_message_id uuid, OUT o_created_at timestamptz,
    OUT o_turn uuid, OUT o_fence bigint, OUT o_invoke boolean, OUT o_ended json,
    OUT o_connections text[])
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE c record; m record; now_ timestamptz;
BEGIN
    o_invoke := false;
    SELECT last_seq, answered_through, archived_through_seq, turn_id, turn_fence, turn_until,
           turn_worker INTO c
      FROM conversations WHERE id = p_cid AND owner_id = p_owner FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        o_outcome := 'not_found';
        RETURN;
    END IF;
    now_ := clock_timestamp();
    o_connections := ARRAY(SELECT connection_id FROM ws_connections
        WHERE conversation_id = p_cid AND owner_id = p_owner AND expires_at > now_);
    IF c.turn_until < now_ THEN
        SELECT r.o_invoke, r.o_ended INTO o_invoke, o_ended
          FROM chat_revive_v1(p_cid, p_turn, p_lease) r;
        SELECT last_seq, answered_through, archived_through_seq, turn_id, turn_fence, turn_worker
          INTO c FROM conversations WHERE id = p_cid;
    END IF;
    o_turn := c.turn_id;
    o_fence := c.turn_fence;

    SELECT seq, id, text, control, supersedes_from, created_at INTO m
      FROM messages WHERE conversation_id = p_cid AND client_id = p_client;
    IF NOT FOUND AND c.archived_through_seq > 0 THEN
        SELECT * INTO m FROM chat_find_archived_v1(p_cid, p_client);
    END IF;
    IF m.seq IS NOT NULL THEN
        IF (m.text, m.control, m.supersedes_from)
           IS DISTINCT FROM (p_text, p_control, p_supersedes_from) THEN
            o_outcome := 'id_conflict';
            RETURN;
        END IF;
        o_outcome := 'dup';
        o_seq := m.seq;
        o_message_id := m.id;
        o_created_at := m.created_at;
        -- Taken, and nobody has begun: the first invocation may be lost. A second does no harm.
        o_invoke := o_invoke OR c.turn_id IS NOT NULL AND c.turn_worker IS NULL;
        RETURN;
    END IF;
    o_outcome := CASE
        WHEN p_prev IS NOT NULL
             AND NOT EXISTS (SELECT FROM messages WHERE conversation_id = p_cid AND client_id = p_prev)
             AND NOT EXISTS (SELECT FROM chat_find_archived_v1(p_cid, p_prev))
            THEN 'out_of_order'
        WHEN p_supersedes_from > c.last_seq THEN 'not_found'
        WHEN c.turn_id IS NULL THEN 'new' -- CJ is silent: nothing waits
        WHEN p_supersedes_from IS NOT NULL THEN 'busy'
        WHEN (SELECT count(*) FROM messages WHERE conversation_id = p_cid
                 AND seq > c.answered_through AND (role = 'user' OR control IS NOT NULL))
             > p_max_waiting THEN 'overloaded'
        ELSE 'new' END;
    IF o_outcome <> 'new' THEN
        RETURN;
    END IF;

    o_seq := c.last_seq + 1;
    o_message_id := p_id;
    o_created_at := now_;
    INSERT INTO messages (conversation_id, seq, id, client_id, role, control, text,
            supersedes_from, created_at)
    VALUES (p_cid, o_seq, p_id, p_client, CASE p_control WHEN 'trigger' THEN 'system' ELSE 'user' END,
            p_control, p_text, p_supersedes_from, now_);
    IF c.turn_id IS NULL THEN
        o_turn := p_turn;
        o_fence := c.turn_fence + 1;
        o_invoke := true;
    END IF;
    UPDATE conversations SET last_seq = o_seq, last_input_seq = o_seq,
           turn_id = o_turn, turn_fence = o_fence,
           turn_until = CASE WHEN c.turn_id IS NULL THEN now_ + p_lease ELSE turn_until END,
           turn_attempts = CASE WHEN c.turn_id IS NULL THEN 1 ELSE turn_attempts END,
           message_count = message_count + (p_control IS NULL)::int,
           title = CASE WHEN p_control IS NULL THEN coalesce(title, p_title) ELSE title END,
           preview = CASE WHEN p_control IS NULL THEN left(p_text, 140) ELSE preview END,
           started_at = CASE WHEN c.last_seq = 0 THEN now_ ELSE started_at END,
           updated_at = now_, last_message_at = now_, ended_at = NULL
     WHERE id = p_cid;
END $$;

-- The worker's first statement; no row: somebody else has this turn, go away. Two deliveries of
-- one invocation are two workers, and the fence lets one of them in. p_worker lets a repeat
-- after a lost reply find its own claim again.
CREATE FUNCTION chat_begin_turn_v1(p_cid uuid, p_turn uuid, p_fence bigint, p_worker uuid,
    p_lease interval, p_window int)
RETURNS TABLE (o_fence bigint, o_from int, o_through int, o_last_seq int, o_owner_id text,
    o_user_id text, o_merchant_id uuid, o_workflow_name text, o_connections text[], o_window json)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE conversations SET turn_fence = p_fence + 1, turn_worker = p_worker,
           turn_until = clock_timestamp() + p_lease,
           turn_through = CASE WHEN turn_fence = p_fence THEN last_input_seq ELSE turn_through END
     WHERE id = p_cid AND turn_id = p_turn
       AND (turn_fence = p_fence AND turn_worker IS NULL
            OR turn_fence = p_fence + 1 AND turn_worker = p_worker)
    RETURNING turn_fence, answered_through + 1, turn_through, last_seq, owner_id, user_id,
              merchant_id, workflow_name
      INTO o_fence, o_from, o_through, o_last_seq, o_owner_id, o_user_id, o_merchant_id,
           o_workflow_name;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    o_connections := chat_connections_v1(p_cid, o_owner_id);
    o_window := chat_window_v1(p_cid, o_from, o_through, p_window);
    RETURN NEXT;
END $$;

-- The worker is alive; no row: its turn is no longer its own, stop working.
CREATE FUNCTION chat_renew_turn_v1(p_cid uuid, p_turn uuid, p_fence bigint, p_lease interval)
RETURNS TABLE (o_stop boolean, o_connections text[])
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE owner text;
BEGIN
    UPDATE conversations SET turn_until = clock_timestamp() + p_lease
     WHERE id = p_cid AND turn_id = p_turn AND turn_fence = p_fence
    RETURNING turn_stop, owner_id INTO o_stop, owner;
    IF FOUND THEN
        o_connections := chat_connections_v1(p_cid, owner);
        RETURN NEXT;
    END IF;
END $$;

-- The end of a turn; no row: the fence is stale and nothing was written. A repeat after a lost
-- reply finds its own answer, and the next turn as long as nobody has begun it. With o_next the
-- caller sends one new invocation with (o_next, o_fence).
CREATE FUNCTION chat_end_turn_v1(p_cid uuid, p_turn uuid, p_fence bigint, p_answer jsonb,
    p_next uuid, p_lease interval)
RETURNS TABLE (o_seq int, o_created_at timestamptz, o_next uuid, o_fence bigint,
    o_connections text[])
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE c record;
BEGIN
    SELECT owner_id, turn_id, turn_fence, turn_worker INTO c
      FROM conversations WHERE id = p_cid FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    ELSIF c.turn_id = p_turn AND c.turn_fence = p_fence THEN
        SELECT t.o_seq, t.o_created_at, t.o_next, t.o_fence
          INTO o_seq, o_created_at, o_next, o_fence
          FROM chat_close_turn_v1(p_cid, p_answer, p_next, p_lease) t;
    ELSE
        SELECT m.seq, m.created_at INTO o_seq, o_created_at FROM messages m
         WHERE m.conversation_id = p_cid AND m.id = (p_answer ->> 'id')::uuid;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        o_fence := c.turn_fence;
        o_next := CASE WHEN c.turn_id = p_next AND c.turn_worker IS NULL THEN c.turn_id END;
    END IF;
    o_connections := chat_connections_v1(p_cid, c.owner_id);
    RETURN NEXT;
END $$;

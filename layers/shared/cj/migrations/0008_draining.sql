-- After an outage: what was said and answered meanwhile becomes durable, and turns whose workers
-- died get new ones. The rules of 0005 hold: the lock first and then the look, the clock after
-- the wait, one round trip.

-- What the archive holds of the messages that p_entries tell of: {id: {seq, id}}, an input under
-- its client's id, an answer under its own. One look for all of them: the archive may be long.
CREATE FUNCTION chat_archived_entries_v1(p_cid uuid, p_entries jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE wanted text[];
BEGIN
    wanted := ARRAY(SELECT coalesce(e ->> 'client_id', e ->> 'id')
                      FROM jsonb_array_elements(p_entries) e
                     UNION
                    SELECT a FROM jsonb_array_elements(p_entries) e,
                           jsonb_array_elements_text(e -> 'answers') a);
    RETURN (SELECT coalesce(jsonb_object_agg(coalesce(e ->> 'client_id', e ->> 'id'),
                       jsonb_build_object('seq', e -> 'seq', 'id', e -> 'id')), '{}')
              FROM conversations c, jsonb_array_elements(c.messages) e
             WHERE c.id = p_cid AND coalesce(e ->> 'client_id', e ->> 'id') = ANY (wanted));
END $$;

-- Whether an answer to the inputs p_answers still counts: something waits up to the newest of
-- them (o_through), and all of that is named. Else o_stands is the answer that stands instead,
-- if any. The caller holds the lock.
CREATE FUNCTION chat_judge_v1(p_cid uuid, p_answers uuid[], p_answered_through int,
    p_archived jsonb, OUT o_through int, OUT o_counts boolean, OUT o_stands int)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    SELECT greatest(
            (SELECT max(m.seq) FROM messages m
              WHERE m.conversation_id = p_cid AND m.client_id = ANY (p_answers)),
            (SELECT max((p_archived -> a::text ->> 'seq')::int) FROM unnest(p_answers) a))
      INTO o_through;
    SELECT coalesce(bool_and(coalesce(m.client_id = ANY (p_answers), false)), false) INTO o_counts
      FROM messages m
     WHERE m.conversation_id = p_cid AND m.seq > p_answered_through AND m.seq <= o_through
       AND (m.role = 'user' OR m.control IS NOT NULL);
    IF o_counts THEN
        RETURN;
    END IF;
    SELECT m.seq INTO o_stands FROM messages m
     WHERE m.conversation_id = p_cid AND o_through BETWEEN m.answers_from AND m.answers_through;
    IF NOT FOUND THEN
        SELECT (e ->> 'seq')::int INTO o_stands
          FROM conversations c, jsonb_array_elements(c.messages) e
         WHERE c.id = p_cid
           AND o_through BETWEEN (e ->> 'answers_from')::int AND (e ->> 'answers_through')::int;
    END IF;
END $$;

-- Makes durable what was kept elsewhere while PostgreSQL was away, in the order it was kept. No
-- row: there is no such conversation. o_rows tells of each entry where it is now.
--
-- An input that is known already, from rows or archive, stays where it is: `replaced` if under
-- another message id. An answer that counts no more is dropped: `replaced`, with the seq of the
-- one that stands. One that counts takes the turn from a worker that is at the same inputs, and
-- that worker's end is refused; a turn it does not touch goes on. What waits afterwards belongs
-- to the running turn or a new one; with o_invoke the caller wakes a worker (o_turn, o_fence).
--
-- Safe to repeat: what was inserted is known by then.
CREATE FUNCTION chat_drain_v1(p_cid uuid, p_entries jsonb, p_turn uuid, p_lease interval)
RETURNS TABLE (o_rows json, o_messages json, o_owner_id text, o_workflow_name text,
    o_last_seq int, o_turn uuid, o_fence bigint, o_invoke boolean, o_ended json,
    o_connections text[])
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    c record; e record; known record; judged record; now_ timestamptz; before int; dead boolean;
    archived jsonb := '{}'; told json[] := '{}';
BEGIN
    SELECT owner_id, workflow_name, title, preview, last_seq, last_input_seq, answered_through,
           message_count, started_at, last_message_at, turn_id, turn_through, turn_fence,
           turn_worker, turn_until, turn_attempts, turn_stop, archived_through_seq INTO c
      FROM conversations WHERE id = p_cid FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    now_ := clock_timestamp();
    before := c.last_seq;
    IF c.archived_through_seq > 0 THEN
        archived := chat_archived_entries_v1(p_cid, p_entries);
    END IF;
    dead := coalesce(c.turn_until < now_, false);
    IF dead THEN -- if it dies for good, then without what it never had a chance to answer
        c.turn_through := coalesce(c.turn_through, c.last_input_seq);
    END IF;

    FOR e IN
        SELECT x.* FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS i(entry, place),
               jsonb_to_record(i.entry) AS x(kind text, id uuid, client_id uuid, text text,
                   title text, at timestamptz, turn uuid, status text, content jsonb, model text,
                   latency_ms int, ttft_ms int, sources jsonb, answers uuid[])
         ORDER BY i.place
    LOOP
        IF e.kind = 'input' THEN
            SELECT seq, id INTO known
              FROM messages WHERE conversation_id = p_cid AND client_id = e.client_id;
        ELSE
            SELECT seq, id INTO known FROM messages WHERE conversation_id = p_cid AND id = e.id;
        END IF;
        IF NOT FOUND THEN
            SELECT a.seq, a.id INTO known
              FROM jsonb_to_record(archived -> coalesce(e.client_id, e.id)::text)
                   AS a(seq int, id uuid);
        END IF;
        IF known.seq IS NULL AND e.kind = 'input' THEN
            c.last_seq := c.last_seq + 1;
            INSERT INTO messages (conversation_id, seq, id, client_id, role, text, created_at)
            VALUES (p_cid, c.last_seq, e.id, e.client_id, 'user', e.text, e.at);
            c.last_input_seq := c.last_seq;
            c.title := coalesce(c.title, e.title);
        ELSIF known.seq IS NULL THEN
            judged := chat_judge_v1(p_cid, e.answers, c.answered_through, archived);
            IF NOT judged.o_counts THEN
                told := told || json_build_object('id', e.id, 'kind', e.kind,
                    'seq', judged.o_stands, 'replaced', true);
                CONTINUE;
            END IF;
            c.last_seq := c.last_seq + 1;
            INSERT INTO messages (conversation_id, seq, id, role, text, content, status,
                    answers_from, answers_through, turn_id, model, latency_ms, ttft_ms, sources,
                    created_at)
            VALUES (p_cid, c.last_seq, e.id, 'assistant', e.text, e.content, e.status,
                    c.answered_through + 1, judged.o_through, e.turn, e.model, e.latency_ms,
                    e.ttft_ms, e.sources, e.at);
            c.answered_through := judged.o_through;
            c.turn_id := NULL;
        END IF;
        IF known.seq IS NULL THEN
            c.message_count := c.message_count + 1;
            c.preview := CASE WHEN e.text = '' THEN c.preview ELSE left(e.text, 140) END;
            c.last_message_at := greatest(c.last_message_at, e.at);
            c.started_at := CASE WHEN c.last_seq = 1 THEN e.at ELSE c.started_at END;
        END IF;
        told := told || json_build_object('id', e.id, 'client_id', e.client_id, 'kind', e.kind,
            'seq', coalesce(known.seq, c.last_seq), 'replaced', coalesce(known.id <> e.id, false));
    END LOOP;

    IF c.turn_id IS NULL THEN -- CJ is silent, or an answer above took the turn from its worker
        dead := false;
        c.turn_id := CASE WHEN c.last_input_seq > c.answered_through THEN p_turn END;
        c.turn_fence := c.turn_fence + 1;
        c.turn_until := CASE WHEN c.turn_id IS NOT NULL THEN now_ + p_lease END;
        c.turn_attempts := (c.turn_id IS NOT NULL)::int;
        c.turn_worker := NULL;
        c.turn_through := NULL;
        c.turn_stop := false;
    END IF;
    UPDATE conversations SET title = c.title, preview = c.preview, last_seq = c.last_seq,
           last_input_seq = c.last_input_seq, answered_through = c.answered_through,
           message_count = c.message_count, turn_id = c.turn_id, turn_through = c.turn_through,
           turn_fence = c.turn_fence, turn_worker = c.turn_worker, turn_until = c.turn_until,
           turn_attempts = c.turn_attempts, turn_stop = c.turn_stop, started_at = c.started_at,
           updated_at = greatest(updated_at, c.last_message_at),
           last_message_at = c.last_message_at,
           ended_at = CASE WHEN c.last_seq > before THEN NULL ELSE ended_at END
     WHERE id = p_cid;
    o_rows := array_to_json(told);
    o_messages := (SELECT coalesce(json_agg(chat_public_v1(m) ORDER BY m.seq), '[]')
                     FROM messages m WHERE m.conversation_id = p_cid AND m.seq > before);
    IF dead THEN
        SELECT r.o_ended INTO o_ended FROM chat_revive_v1(p_cid, p_turn, p_lease) r;
    END IF;
    SELECT owner_id, workflow_name, last_seq, turn_id, turn_fence, turn_worker INTO c
      FROM conversations WHERE id = p_cid;
    o_owner_id := c.owner_id;
    o_workflow_name := c.workflow_name;
    o_last_seq := c.last_seq;
    o_turn := c.turn_id;
    o_fence := CASE WHEN c.turn_id IS NOT NULL THEN c.turn_fence END;
    -- Nobody has begun it: it is new, or the invocation or our reply was lost.
    o_invoke := c.turn_id IS NOT NULL AND c.turn_worker IS NULL;
    o_connections := chat_connections_v1(p_cid, c.owner_id);
    RETURN NEXT;
END $$;

-- Turns whose lease ran out, handed out again or ended, the longest dead first: one conversation
-- for each id in p_turns, which are for turns that follow. Two archivers at once take different
-- ones, and nobody waits. A reply that was lost costs these turns one of their three attempts.
CREATE FUNCTION chat_revive_dead_v1(p_turns uuid[], p_lease interval)
RETURNS TABLE (o_id uuid, o_turn uuid, o_fence bigint, o_invoke boolean, o_ended json,
    o_connections text[])
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE c record; place int := 0;
BEGIN
    FOR c IN
        SELECT id, owner_id FROM conversations
         WHERE turn_id IS NOT NULL AND turn_until < clock_timestamp()
         ORDER BY turn_until LIMIT cardinality(p_turns) FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        place := place + 1;
        o_id := c.id;
        SELECT r.o_invoke, r.o_ended INTO o_invoke, o_ended
          FROM chat_revive_v1(c.id, p_turns[place], p_lease) r;
        SELECT turn_id, turn_fence INTO o_turn, o_fence FROM conversations WHERE id = c.id;
        o_connections := chat_connections_v1(c.id, c.owner_id);
        RETURN NEXT;
    END LOOP;
END $$;

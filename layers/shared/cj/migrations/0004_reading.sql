-- How a message looks outside its table, and how a conversation is read. Names carry a version:
-- a changed function is a new one, so that code of yesterday runs on the schema of today.
-- Each is safe from a foreign search_path: bound when created (RETURN) or with one of its own.

-- A row in the archive: every column that says something. Only the row's own NULLs are left
-- out: `content`, `sources` and `ui` may hold some that mean something.
CREATE FUNCTION chat_archived_v1(m messages) RETURNS jsonb LANGUAGE sql STABLE
RETURN jsonb_strip_nulls(to_jsonb(m) - '{conversation_id,content,sources,ui}'::text[])
    || CASE WHEN m.content IS NULL THEN '{}' ELSE jsonb_build_object('content', m.content) END
    || CASE WHEN m.sources IS NULL THEN '{}' ELSE jsonb_build_object('sources', m.sources) END
    || CASE WHEN m.ui IS NULL THEN '{}' ELSE jsonb_build_object('ui', m.ui) END;

-- A row for people: without what CJ did to find its answer. (json, not jsonb: it is only sent,
-- and made in a third of the time.)
CREATE FUNCTION chat_public_v1(m messages) RETURNS json LANGUAGE sql STABLE
RETURN json_build_object('id', m.id, 'seq', m.seq, 'client_id', m.client_id, 'role', m.role,
    'control', m.control, 'text', m.text, 'status', m.status, 'created_at', m.created_at,
    'answers_from', m.answers_from, 'answers_through', m.answers_through,
    'supersedes_from', m.supersedes_from, 'turn_id', m.turn_id, 'model', m.model,
    'input_tokens', m.input_tokens, 'output_tokens', m.output_tokens,
    'cache_tokens', m.cache_tokens, 'latency_ms', m.latency_ms, 'sources', m.sources, 'ui', m.ui);

-- A row for CJ: what was said and done, not what it cost.
CREATE FUNCTION chat_spoken_v1(m messages) RETURNS json LANGUAGE sql STABLE
RETURN json_build_object('id', m.id, 'seq', m.seq, 'role', m.role, 'control', m.control,
    'text', m.text, 'content', m.content, 'status', m.status, 'created_at', m.created_at);

-- Where the archive holds a client's id; no row if nowhere.
CREATE FUNCTION chat_find_archived_v1(p_cid uuid, p_client uuid)
RETURNS TABLE (seq int, id uuid, text text, control text, supersedes_from int,
    created_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT (e ->> 'seq')::int, (e ->> 'id')::uuid, e ->> 'text', e ->> 'control',
           (e ->> 'supersedes_from')::int, (e ->> 'created_at')::timestamptz
      FROM conversations c, jsonb_array_elements(c.messages) e
     WHERE c.id = p_cid AND e ->> 'client_id' = p_client::text;
END $$;

-- Who looks at a conversation now. The owner is asked too: after a claim the old owner's
-- sockets see nothing more.
CREATE FUNCTION chat_connections_v1(p_cid uuid, p_owner text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT connection_id FROM ws_connections
        WHERE conversation_id = p_cid AND owner_id = p_owner AND expires_at > clock_timestamp());
END $$;

-- The messages p_after + 1 to p_after + p_limit, oldest first, for people. seq has no gaps.
-- Archive and rows in one statement, so that a move between them is never seen.
CREATE FUNCTION chat_view_v1(p_cid uuid, p_after int, p_limit int) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(json_agg(page.message ORDER BY page.seq), '[]') FROM (
        SELECT m.seq, chat_public_v1(m) AS message FROM messages m
         WHERE m.conversation_id = p_cid AND m.seq > p_after AND m.seq <= p_after::bigint + p_limit
        UNION ALL
        SELECT (e ->> 'seq')::int, (e - 'content')::json
          FROM conversations c, jsonb_array_elements(c.messages) e
         WHERE c.id = p_cid AND c.archived_through_seq > p_after
           AND (e ->> 'seq')::int > p_after
           AND (e ->> 'seq')::int <= p_after::bigint + p_limit) page);
END $$;

-- What CJ reads before it answers the inputs p_from to p_through: the newest p_limit messages
-- that count, each answer after what it answers. Superseded, failed and wordless ones do not
-- count; of the control rows only this turn's do. The archive is opened only when the rows are
-- too few.
CREATE FUNCTION chat_window_v1(p_cid uuid, p_from int, p_through int, p_limit int) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    hidden int4multirange; newest json[]; older json[];
BEGIN
    SELECT coalesce(range_agg(int4range(supersedes_from, seq)), '{}') INTO hidden
      FROM messages WHERE conversation_id = p_cid AND supersedes_from IS NOT NULL;
    SELECT array_agg(chat_spoken_v1(r.m) ORDER BY coalesce((r.m).answers_through, (r.m).seq),
               (r.m).answers_through IS NOT NULL, (r.m).seq) INTO newest
      FROM (SELECT m FROM messages m
             WHERE m.conversation_id = p_cid AND NOT m.seq <@ hidden AND m.status <> 'error'
               AND (m.control IS NULL AND m.text <> '' OR m.control IS NOT NULL AND m.seq >= p_from)
               AND (m.seq <= p_through OR m.answers_through IS NOT NULL)
             ORDER BY m.seq DESC LIMIT p_limit) r;
    IF coalesce(cardinality(newest), 0) < p_limit THEN
        SELECT hidden + coalesce(range_agg(int4range((e ->> 'supersedes_from')::int,
               (e ->> 'seq')::int)), '{}') INTO hidden
          FROM conversations c, jsonb_array_elements(c.messages) e
         WHERE c.id = p_cid AND e ? 'supersedes_from';
        SELECT array_agg(r.e::json ORDER BY coalesce((r.e ->> 'answers_through')::int,
                   (r.e ->> 'seq')::int), r.e ? 'answers_through', (r.e ->> 'seq')::int) INTO older
          FROM (SELECT e FROM conversations c, jsonb_array_elements(c.messages) e
                 WHERE c.id = p_cid AND NOT (e ->> 'seq')::int <@ hidden
                   AND e ->> 'status' <> 'error' AND e ->> 'text' <> '' AND NOT e ? 'control'
                 ORDER BY (e ->> 'seq')::int DESC
                 LIMIT p_limit - coalesce(cardinality(newest), 0)) r;
    END IF;
    RETURN coalesce(array_to_json(older || newest), '[]');
END $$;

-- How a message looks outside its table, and how a conversation is read. Names carry a version:
-- a changed function is a new one, so that code of yesterday runs on the schema of today.
-- Each is safe from a foreign search_path: bound when created (RETURN) or with one of its own.

-- A row as JSON, also the form in the archive. Only the row's own NULLs are left out: `content`,
-- `sources` and `ui` may hold some that mean something.
CREATE FUNCTION chat_message_json_v1(m messages) RETURNS jsonb LANGUAGE sql STABLE
RETURN jsonb_strip_nulls(to_jsonb(m) - '{conversation_id,content,sources,ui}'::text[])
    || jsonb_build_object('content', m.content)
    || CASE WHEN m.sources IS NULL THEN '{}' ELSE jsonb_build_object('sources', m.sources) END
    || CASE WHEN m.ui IS NULL THEN '{}' ELSE jsonb_build_object('ui', m.ui) END;

-- Words alone as content blocks.
CREATE FUNCTION chat_text_content_v1(p_text text) RETURNS jsonb LANGUAGE sql STABLE
RETURN jsonb_build_object('v', 1, 'blocks', CASE WHEN p_text = '' THEN '[]'::jsonb
    ELSE jsonb_build_array(jsonb_build_object('text', p_text)) END);

-- Where a client's id was used before, in the rows or in the archive; no row if nowhere.
CREATE FUNCTION chat_find_client_v1(p_cid uuid, p_client uuid)
RETURNS TABLE (seq int, id uuid, text text, control text, supersedes_from int, created_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT m.seq, m.id, m.text, m.control, m.supersedes_from, m.created_at
      FROM messages m WHERE m.conversation_id = p_cid AND m.client_id = p_client;
    IF FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT (e ->> 'seq')::int, (e ->> 'id')::uuid, e ->> 'text', e ->> 'control',
           (e ->> 'supersedes_from')::int, (e ->> 'created_at')::timestamptz
      FROM conversations c, jsonb_array_elements(c.messages) e
     WHERE c.id = p_cid AND c.archived_through_seq > 0 AND e ->> 'client_id' = p_client::text;
END $$;

-- Who looks at a conversation now. The owner is asked too: after a claim the old owner's
-- sockets see nothing more.
CREATE FUNCTION chat_connections_v1(p_cid uuid, p_owner text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT w.connection_id FROM ws_connections w
        WHERE w.conversation_id = p_cid AND w.owner_id = p_owner
          AND w.expires_at > clock_timestamp());
END $$;

-- The messages after p_after, oldest first, p_limit at most, for people: without tool steps.
-- Archive and rows in one statement, so that a move between them is never seen.
CREATE FUNCTION chat_view_v1(p_cid uuid, p_after int, p_limit int) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(message - 'content' ORDER BY seq), '[]') FROM (
        SELECT seq, message FROM (
            SELECT m.seq, chat_message_json_v1(m) AS message
              FROM messages m WHERE m.conversation_id = p_cid AND m.seq > p_after
            UNION ALL
            SELECT (e ->> 'seq')::int, e
              FROM conversations c, jsonb_array_elements(c.messages) e
             WHERE c.id = p_cid AND c.archived_through_seq > p_after
               AND (e ->> 'seq')::int > p_after
        ) everything ORDER BY seq LIMIT p_limit
    ) page);
END $$;

-- What CJ reads before it answers the inputs p_from..p_through: the newest p_limit messages that
-- count, each answer after what it answers. Superseded, failed and wordless ones do not count;
-- of the control rows only this turn's do.
CREATE FUNCTION chat_window_v1(p_cid uuid, p_from int, p_through int, p_limit int) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    hidden int4multirange; newest jsonb; older jsonb := '[]';
BEGIN
    SELECT coalesce(range_agg(int4range(m.supersedes_from, m.seq)), '{}') INTO hidden
      FROM messages m WHERE m.conversation_id = p_cid AND m.supersedes_from IS NOT NULL;
    SELECT coalesce(jsonb_agg(r.message), '[]') INTO newest FROM (
        SELECT chat_message_json_v1(m) AS message FROM messages m
         WHERE m.conversation_id = p_cid AND NOT m.seq <@ hidden AND m.status <> 'error'
           AND (m.control IS NULL AND m.text <> '' OR m.control IS NOT NULL AND m.seq >= p_from)
           AND (m.seq <= p_through OR m.answers_through IS NOT NULL)
         ORDER BY m.seq DESC LIMIT p_limit) r;
    IF jsonb_array_length(newest) < p_limit THEN
        SELECT coalesce(range_agg(int4range((e ->> 'supersedes_from')::int, (e ->> 'seq')::int)), '{}')
               + hidden INTO hidden
          FROM conversations c, jsonb_array_elements(c.messages) e
         WHERE c.id = p_cid AND e ? 'supersedes_from';
        SELECT coalesce(jsonb_agg(r.message), '[]') INTO older FROM (
            SELECT e AS message FROM conversations c, jsonb_array_elements(c.messages) e
             WHERE c.id = p_cid AND NOT (e ->> 'seq')::int <@ hidden AND e ->> 'status' <> 'error'
               AND e ->> 'text' <> '' AND NOT e ? 'control'
             ORDER BY (e ->> 'seq')::int DESC LIMIT p_limit - jsonb_array_length(newest)) r;
    END IF;
    RETURN (SELECT coalesce(jsonb_agg(e ORDER BY
                       coalesce((e ->> 'answers_through')::int, (e ->> 'seq')::int),
                       e ? 'answers_through', (e ->> 'seq')::int), '[]')
              FROM jsonb_array_elements(newest || older) e);
END $$;

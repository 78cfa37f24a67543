-- What an installation leaves behind, all of it or nothing, in one round trip.
--
-- The shop's row is locked first: of two installations of a shop at once the second waits. Then
-- the session, the conversations and the connections, in the order in which a chat takes them.

ALTER TABLE merchants ADD COLUMN came_back_at TIMESTAMPTZ;
COMMENT ON COLUMN merchants.came_back_at IS
    'Installed again after an uninstall that was heard of; NULL: never';

-- The merchant of a shop, locked; p_id for a new one. Of several who make it at the same moment one
-- does and the others wait: that takes every unique key as a reason to, not the shop's alone. One
-- that is deleted while we wait for it is made again; NULL: that happens all the time.
CREATE FUNCTION shop_merchant_v1(p_shop text, p_name text, p_id uuid) RETURNS uuid
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE found_ uuid;
BEGIN
    FOR try IN 1..3 LOOP
        INSERT INTO merchants (id, name, shop_domain) VALUES (p_id, p_name, p_shop)
        ON CONFLICT DO NOTHING;
        SELECT id INTO found_ FROM merchants WHERE shop_domain = p_shop FOR NO KEY UPDATE;
        EXIT WHEN found_ IS NOT NULL;
    END LOOP;
    RETURN found_;
END $$;

-- The user of a shop; o_new: made just now. p_candidates are ids for a new one, the shortest
-- first: one that belongs to another shop is passed over. The caller holds the merchant's lock.
CREATE FUNCTION shop_user_v1(p_shop text, p_merchant uuid, p_candidates text[],
    OUT o_user text, OUT o_new boolean)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE candidate text;
BEGIN
    UPDATE users SET last_seen = clock_timestamp() WHERE shop_domain = p_shop
    RETURNING id INTO o_user;
    o_new := NOT FOUND;
    FOREACH candidate IN ARRAY p_candidates LOOP
        EXIT WHEN o_user IS NOT NULL;
        INSERT INTO users (id, merchant_id, shop_domain, last_seen)
        VALUES (candidate, p_merchant, p_shop, clock_timestamp())
        ON CONFLICT (id) DO NOTHING RETURNING id INTO o_user;
    END LOOP;
    IF o_user IS NULL THEN
        RAISE EXCEPTION 'every id for % belongs to another shop', p_shop
            USING ERRCODE = 'unique_violation';
    END IF;
END $$;

-- The conversation of a user that greets: the one that was asked for, else a still empty one,
-- else p_new.
CREATE FUNCTION shop_conversation_v1(p_user text, p_merchant uuid, p_wanted uuid, p_new uuid,
    p_workflow text) RETURNS uuid
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE cid uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_user, 0));
    SELECT id INTO cid FROM conversations WHERE id = p_wanted AND owner_id = p_user;
    IF NOT FOUND THEN
        SELECT id INTO cid FROM conversations WHERE owner_id = p_user AND last_seq = 0
         ORDER BY created_at DESC LIMIT 1;
    END IF;
    IF NOT FOUND THEN
        INSERT INTO conversations (id, owner_id, user_id, merchant_id, workflow_name)
        VALUES (p_new, p_user, p_user, p_merchant, p_workflow);
        RETURN p_new;
    END IF;
    UPDATE conversations SET workflow_name = p_workflow WHERE id = cid;
    RETURN cid;
END $$;

-- What a conversation is called in a list. One that began with CJ's greeting has no words of its
-- owner's to be named after, until there are some.
CREATE FUNCTION conversation_title_v1(p_title text, p_workflow text, p_merchant uuid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN coalesce(p_title, CASE p_workflow WHEN 'shopify_post_auth' THEN
        (SELECT 'First look at ' || name FROM merchants WHERE id = p_merchant) END);
END $$;

-- Merchant, sealed tokens, user, events, the new session; the old one is over, what its anonymous
-- owner said is the user's, and one conversation is ready to greet.
--
-- The tokens are sealed for p_merchant: if the shop has another id nothing is written and
-- o_merchant is that one. o_connections were the old session's; the owners of those in
-- o_listening may be told something by a running turn yet. p_events are the ids of user_created
-- and oauth_complete.
--
-- A repeat after a lost reply finds its own session and tells the same, and of every conversation
-- that it may have claimed.
CREATE FUNCTION shop_install_v1(p_shop text, p_name text, p_merchant uuid, p_api_key text,
    p_refresh_token text, p_expires_at timestamptz, p_refresh_expires_at timestamptz,
    p_scopes text, p_candidates text[], p_old_session text, p_session text,
    p_session_until timestamptz, p_wanted uuid, p_new uuid, p_workflow text, p_events uuid[],
    OUT o_merchant uuid, OUT o_user text, OUT o_new boolean, OUT o_cid uuid, OUT o_claimed uuid[],
    OUT o_connections text[], OUT o_listening text[])
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE anonymous text; told jsonb; now_ timestamptz;
BEGIN
    o_merchant := shop_merchant_v1(p_shop, p_name, p_merchant);
    IF o_merchant IS DISTINCT FROM p_merchant THEN
        RETURN;
    END IF;
    SELECT user_id, event_data INTO o_user, told FROM events WHERE id = p_events[2];
    IF FOUND THEN
        o_new := (told -> 'first_time')::boolean;
        o_cid := told ->> 'conversation_id';
        o_claimed := ARRAY(SELECT id FROM conversations WHERE owner_id = o_user);
        o_connections := '{}';
        o_listening := '{}';
        RETURN;
    END IF;
    now_ := clock_timestamp();
    UPDATE merchants SET installed_at = now_, uninstalled_at = NULL, updated_at = now_,
           came_back_at = CASE WHEN uninstalled_at IS NULL THEN came_back_at ELSE now_ END
     WHERE id = p_merchant;
    INSERT INTO merchant_integrations (merchant_id, type, api_key, refresh_token, expires_at,
            refresh_expires_at, scopes, config)
    VALUES (p_merchant, 'shopify', p_api_key, p_refresh_token, p_expires_at,
            p_refresh_expires_at, p_scopes, jsonb_build_object('shop_domain', p_shop,
            'scopes', p_scopes, 'installed_at', now_))
    ON CONFLICT (merchant_id, type) DO UPDATE SET api_key = EXCLUDED.api_key,
            refresh_token = EXCLUDED.refresh_token, expires_at = EXCLUDED.expires_at,
            refresh_expires_at = EXCLUDED.refresh_expires_at, scopes = EXCLUDED.scopes,
            config = EXCLUDED.config, is_active = true, refreshing_by = NULL,
            refreshing_until = NULL, updated_at = now_;
    SELECT u.o_user, u.o_new INTO o_user, o_new
      FROM shop_user_v1(p_shop, p_merchant, p_candidates) u;

    UPDATE web_sessions SET revoked_at = now_
     WHERE token_hash = p_old_session AND revoked_at IS NULL AND expires_at > now_
    RETURNING CASE WHEN user_id IS NULL THEN owner_id END INTO anonymous;
    INSERT INTO web_sessions (token_hash, owner_id, user_id, expires_at)
    VALUES (p_session, o_user, o_user, p_session_until);
    WITH claimed AS (
        UPDATE conversations SET owner_id = o_user, user_id = o_user, merchant_id = p_merchant
         WHERE owner_id = anonymous RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO o_claimed FROM claimed;
    WITH gone AS (
        DELETE FROM ws_connections WHERE token_hash = p_old_session
        RETURNING connection_id, conversation_id
    )
    SELECT coalesce(array_agg(g.connection_id), '{}'),
           coalesce(array_agg(g.connection_id) FILTER (WHERE c.turn_id IS NOT NULL), '{}')
      INTO o_connections, o_listening
      FROM gone g LEFT JOIN conversations c ON c.id = g.conversation_id;

    o_cid := shop_conversation_v1(o_user, p_merchant, p_wanted, p_new, p_workflow);
    INSERT INTO events (id, user_id, event_type, event_data)
    SELECT p_events[1], o_user, 'user_created', jsonb_build_object('shop', p_shop) WHERE o_new
    UNION ALL
    SELECT p_events[2], o_user, 'oauth_complete', jsonb_build_object('shop', p_shop,
           'first_time', o_new, 'conversation_id', o_cid);
END $$;

-- What Shopify tells, and what it makes us delete.
--
-- A delivery and its effect are one transaction: the same delivery again, also at the same
-- moment, finds the row and changes nothing. What is to be done outside PostgreSQL afterwards is
-- written down with it and crossed out when it is done, so that whoever dies in between leaves it
-- to the next delivery or to the sweep.

ALTER TABLE webhook_deliveries
    ADD COLUMN outcome    TEXT,
    ADD COLUMN left_to_do JSONB;
CREATE INDEX webhook_deliveries_unfinished ON webhook_deliveries (received_at)
    WHERE left_to_do IS NOT NULL;
COMMENT ON COLUMN webhook_deliveries.left_to_do IS
    'Sessions, connections, conversations and the shop to be forgotten in Redis; NULL: done';

-- A shop is deleted without a look at anybody else's rows.
CREATE INDEX conversations_of_merchant ON conversations (merchant_id)
    WHERE merchant_id IS NOT NULL;
CREATE INDEX conversations_of_user ON conversations (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX events_of_shop ON events ((event_data ->> 'shop'))
    WHERE event_data ->> 'shop' IS NOT NULL;
CREATE INDEX events_archive_of_shop ON events_archive ((event_data ->> 'shop'))
    WHERE event_data ->> 'shop' IS NOT NULL;

-- Everything an owner ever said and was told: conversations with their messages, archive and
-- feedback, facts, events. What is left is who they are. A worker that speaks meanwhile waits for
-- the row's lock and then finds nothing to write to.
CREATE FUNCTION owner_forget_v1(p_owner text, OUT o_conversations uuid[], OUT o_messages bigint)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    WITH gone AS (
        DELETE FROM conversations WHERE owner_id = p_owner RETURNING id, message_count
    )
    SELECT coalesce(array_agg(id), '{}'), coalesce(sum(message_count), 0)
      INTO o_conversations, o_messages FROM gone;
    DELETE FROM user_facts WHERE user_id = p_owner;
    DELETE FROM events WHERE user_id = p_owner;
    DELETE FROM events_archive WHERE user_id = p_owner;
END $$;

-- Nobody of this shop is signed in any more. Sessions first, then connections: the order in which
-- a socket comes in.
CREATE FUNCTION shop_sign_out_v1(p_merchant uuid, OUT o_sessions text[], OUT o_connections text[])
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    WITH ended AS (
        UPDATE web_sessions SET revoked_at = coalesce(revoked_at, clock_timestamp())
         WHERE user_id IN (SELECT id FROM users WHERE merchant_id = p_merchant)
        RETURNING token_hash
    )
    SELECT coalesce(array_agg(token_hash), '{}') INTO o_sessions FROM ended;
    WITH gone AS (
        DELETE FROM ws_connections WHERE token_hash = ANY (o_sessions) RETURNING connection_id
    )
    SELECT coalesce(array_agg(connection_id), '{}') INTO o_connections FROM gone;
END $$;

-- app/uninstalled: the tokens are gone and everybody is signed out; what was said stays for the
-- day the shop comes back.
CREATE FUNCTION shop_uninstall_v1(p_shop text, p_merchant uuid) RETURNS jsonb
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE out_ record;
BEGIN
    UPDATE merchants SET uninstalled_at = clock_timestamp(), updated_at = clock_timestamp()
     WHERE id = p_merchant;
    UPDATE merchant_integrations SET api_key = NULL, refresh_token = NULL, expires_at = NULL,
           refresh_expires_at = NULL, is_active = false, refreshing_by = NULL,
           refreshing_until = NULL, updated_at = clock_timestamp()
     WHERE merchant_id = p_merchant AND type = 'shopify';
    SELECT * INTO out_ FROM shop_sign_out_v1(p_merchant);
    RETURN jsonb_build_object('shop', p_shop, 'sessions', out_.o_sessions,
        'connections', out_.o_connections);
END $$;

-- shop/redact: everything of the shop is deleted; how much it was is told. The caller holds the
-- merchant's lock, so that nobody adds anything meanwhile. Conversations first, then connections:
-- the order in which a chat takes them. p_merchant is NULL for a shop that is not here: it may
-- have left a name.
CREATE FUNCTION shop_forget_v1(p_shop text, p_merchant uuid, p_before timestamptz,
    OUT o_left jsonb, OUT o_told jsonb)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    out_ record; person text; said record; cids uuid[] := '{}'; messages_ bigint := 0;
BEGIN
    FOR person IN SELECT id FROM users WHERE merchant_id = p_merchant LOOP
        said := owner_forget_v1(person);
        cids := cids || said.o_conversations;
        messages_ := messages_ + said.o_messages;
    END LOOP;
    SELECT * INTO out_ FROM shop_sign_out_v1(p_merchant);
    DELETE FROM merchants WHERE id = p_merchant; -- and with it users, sessions, tokens, ledger
    DELETE FROM oauth_csrf_state WHERE shop_domain = p_shop AND created_at <= p_before;
    DELETE FROM events WHERE event_data ->> 'shop' = p_shop;
    DELETE FROM events_archive WHERE event_data ->> 'shop' = p_shop;
    o_left := jsonb_build_object('shop', p_shop, 'sessions', out_.o_sessions,
        'connections', out_.o_connections, 'conversations', cids);
    o_told := jsonb_build_object('conversations', cardinality(cids), 'messages', messages_);
END $$;

-- A customer of the shop in what CJ looked up: how many messages name p_customer (the whole
-- Shopify id), which with p_forget they do no more. Rows first: the archiver moves them one way.
CREATE FUNCTION shop_customer_v1(p_merchant uuid, p_customer text, p_forget boolean) RETURNS int
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE word text := to_jsonb(p_customer)::text; rows_ int; archived int;
BEGIN
    SELECT count(*) INTO rows_ FROM messages m JOIN conversations c ON c.id = m.conversation_id
     WHERE c.merchant_id = p_merchant AND position(word IN m.content::text) > 0;
    IF p_forget THEN
        UPDATE messages m SET content = replace(m.content::text, word, 'null')::jsonb
          FROM conversations c
         WHERE c.id = m.conversation_id AND c.merchant_id = p_merchant
           AND position(word IN m.content::text) > 0;
    END IF;
    SELECT count(*) INTO archived FROM conversations c, jsonb_array_elements(c.messages) e
     WHERE c.merchant_id = p_merchant AND position(word IN (e -> 'content')::text) > 0;
    IF p_forget THEN
        UPDATE conversations SET messages = (
            SELECT jsonb_agg(CASE WHEN e ? 'content' THEN jsonb_set(e, '{content}',
                       replace((e -> 'content')::text, word, 'null')::jsonb) ELSE e END
                       ORDER BY place)
              FROM jsonb_array_elements(messages) WITH ORDINALITY AS a(e, place))
         WHERE merchant_id = p_merchant AND position(word IN messages::text) > 0;
    END IF;
    RETURN rows_ + archived;
END $$;

-- A delivery, once. p_at is when it was triggered; p_facts what it says: `scopes`, `customer`,
-- `request`. o_outcome: done, ignored (the shop came back since, or something newer is known), or
-- unknown_shop. o_left: what is to be done in Redis, also of a delivery that was here before.
--
-- An event tells of it; those of a shop that is deleted go with it, and that one names nobody.
CREATE FUNCTION shop_delivery_v1(p_id text, p_topic text, p_shop text, p_at timestamptz,
    p_facts jsonb, p_event uuid, OUT o_outcome text, OUT o_left jsonb)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE m record; told jsonb; person text; known int;
BEGIN
    INSERT INTO webhook_deliveries (webhook_id, topic) VALUES (p_id, p_topic)
    ON CONFLICT (webhook_id) DO NOTHING;
    IF NOT FOUND THEN
        SELECT outcome, left_to_do INTO o_outcome, o_left
          FROM webhook_deliveries WHERE webhook_id = p_id;
        RETURN;
    END IF;
    SELECT id, installed_at, uninstalled_at, came_back_at INTO m
      FROM merchants WHERE shop_domain = p_shop FOR UPDATE;
    SELECT id INTO person FROM users WHERE shop_domain = p_shop;
    told := jsonb_build_object('shop', p_shop);
    o_outcome := 'done';
    IF p_topic = 'shop/redact' THEN
        -- It comes two days after an uninstall, and is tried again for days. Of a shop that is
        -- installed, it means the uninstall from which the shop came back, if that is not long
        -- ago; else one we never heard of, if the installation is old enough to have been before
        -- that.
        IF p_at < m.installed_at OR m.uninstalled_at IS NULL
           AND (m.came_back_at > p_at - interval '30 days'
                OR m.installed_at > p_at - interval '7 days') THEN
            o_outcome := 'ignored';
        ELSE
            SELECT f.o_left, f.o_told INTO o_left, told
              FROM shop_forget_v1(p_shop, m.id, p_at) f;
            person := NULL;
        END IF;
    ELSIF m.id IS NULL THEN
        o_outcome := 'unknown_shop';
        told := '{}';
    ELSIF p_topic = 'app/uninstalled' THEN
        IF p_at < m.installed_at THEN
            o_outcome := 'ignored';
        ELSE
            o_left := shop_uninstall_v1(p_shop, m.id);
        END IF;
    ELSIF p_topic = 'app/scopes_update' THEN
        UPDATE merchant_integrations SET scopes = p_facts ->> 'scopes',
               config = config || jsonb_build_object('scopes', p_facts ->> 'scopes',
                   'scopes_at', p_at), updated_at = clock_timestamp()
         WHERE merchant_id = m.id AND type = 'shopify' AND is_active
           AND p_at >= greatest(m.installed_at, (config ->> 'scopes_at')::timestamptz);
        told := told || jsonb_build_object('scopes', p_facts ->> 'scopes');
        IF FOUND THEN
            o_left := jsonb_build_object('shop', p_shop);
        ELSE
            o_outcome := 'ignored';
        END IF;
    ELSE
        known := shop_customer_v1(m.id, p_facts ->> 'customer', p_topic = 'customers/redact');
        told := told || jsonb_build_object('request', p_facts -> 'request', 'mentions', known);
        o_left := CASE WHEN p_topic = 'customers/redact'
                       THEN jsonb_build_object('shop', p_shop) END;
    END IF;
    INSERT INTO events (id, user_id, event_type, event_data)
    SELECT p_event, person, replace(p_topic, '/', '_'), told WHERE o_outcome <> 'ignored';
    UPDATE webhook_deliveries SET outcome = o_outcome, left_to_do = o_left
     WHERE webhook_id = p_id;
END $$;

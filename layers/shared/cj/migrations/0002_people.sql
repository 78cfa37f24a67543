-- Shops, the people in them, and how a browser is recognised.
-- Ids of rows are UUIDv7 made by the application; an owner is `usr_...` or `anon_...`.

CREATE TABLE merchants (
    id             UUID PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    shop_domain    TEXT NOT NULL UNIQUE,
    settings       JSONB NOT NULL DEFAULT '{}',
    installed_at   TIMESTAMPTZ,
    uninstalled_at TIMESTAMPTZ,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    updated_at     TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN merchants.name IS 'The shop domain without .myshopify.com';

CREATE TABLE merchant_integrations (
    merchant_id        UUID NOT NULL REFERENCES merchants ON DELETE CASCADE,
    type               TEXT NOT NULL CHECK (type IN ('shopify')),
    api_key            TEXT,
    refresh_token      TEXT,
    expires_at         TIMESTAMPTZ,
    refresh_expires_at TIMESTAMPTZ,
    scopes             TEXT NOT NULL DEFAULT '',
    config             JSONB NOT NULL DEFAULT '{}',
    is_active          BOOLEAN NOT NULL DEFAULT true,
    created_at         TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    updated_at         TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (merchant_id, type)
);
COMMENT ON COLUMN merchant_integrations.api_key IS 'Encrypted; the only place a token exists';

CREATE TABLE users (
    id          TEXT PRIMARY KEY CHECK (id ~ '^usr_[0-9a-f]{8,16}$'),
    merchant_id UUID NOT NULL REFERENCES merchants ON DELETE CASCADE,
    shop_domain TEXT NOT NULL UNIQUE, -- until several people per shop come
    shopify_id  TEXT,
    email       TEXT,
    name        TEXT,
    metadata    JSONB NOT NULL DEFAULT '{}',
    created_at  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    last_seen   TIMESTAMPTZ
);
CREATE INDEX users_of_merchant ON users (merchant_id);

CREATE TABLE web_sessions (
    token_hash TEXT PRIMARY KEY CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    owner_id   TEXT NOT NULL CHECK (owner_id ~ '^(usr|anon)_[0-9a-f]+$'),
    user_id    TEXT REFERENCES users ON DELETE CASCADE CHECK (user_id = owner_id),
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    last_seen  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX web_sessions_of_user ON web_sessions (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX web_sessions_to_sweep ON web_sessions (expires_at);
COMMENT ON COLUMN web_sessions.token_hash IS 'SHA-256 of the cookie; the cookie itself is nowhere';

CREATE TABLE oauth_csrf_state (
    state_hash      TEXT PRIMARY KEY CHECK (state_hash ~ '^[0-9a-f]{64}$'),
    shop_domain     TEXT NOT NULL,
    session_hash    TEXT NOT NULL,
    conversation_id UUID,
    return_to       TEXT,
    created_at      TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    expires_at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX oauth_csrf_state_to_sweep ON oauth_csrf_state (expires_at);
COMMENT ON TABLE oauth_csrf_state IS 'Single use: consumed by DELETE ... RETURNING';

-- No foreign keys: a row is worth nothing once its socket is gone, and is swept on its own.
CREATE TABLE ws_connections (
    connection_id   TEXT PRIMARY KEY,
    owner_id        TEXT NOT NULL,
    token_hash      TEXT NOT NULL,
    conversation_id UUID,
    connected_at    TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    expires_at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX ws_connections_looking ON ws_connections (conversation_id)
    WHERE conversation_id IS NOT NULL;
CREATE INDEX ws_connections_of_session ON ws_connections (token_hash);
CREATE INDEX ws_connections_to_sweep ON ws_connections (expires_at);

CREATE TABLE webhook_deliveries (
    webhook_id  TEXT PRIMARY KEY,
    topic       TEXT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX webhook_deliveries_to_sweep ON webhook_deliveries (received_at);

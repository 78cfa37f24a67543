-- Conversations, their messages, and what hangs on them.

CREATE TABLE conversations (
    id                   UUID PRIMARY KEY,
    owner_id             TEXT NOT NULL
        CHECK (starts_with(owner_id, 'usr_') OR starts_with(owner_id, 'anon_')),
    user_id              TEXT REFERENCES users CHECK (user_id = owner_id),
    merchant_id          UUID REFERENCES merchants,
    workflow_name        TEXT NOT NULL,
    title                TEXT,
    preview              TEXT, -- the newest words said, so that a list reads no messages
    context              JSONB NOT NULL DEFAULT '{}',
    metadata             JSONB NOT NULL DEFAULT '{}',

    last_seq             INT NOT NULL DEFAULT 0, -- the newest row; seq has no gaps
    last_input_seq       INT NOT NULL DEFAULT 0, -- the newest row that wants an answer
    answered_through     INT NOT NULL DEFAULT 0, -- every input up to here has its answer
    message_count        INT NOT NULL DEFAULT 0, -- rows that are no control rows

    turn_id              UUID,                   -- the running turn; NULL: CJ is silent
    turn_through         INT,                    -- the newest input it answers, once begun
    turn_fence           BIGINT NOT NULL DEFAULT 0, -- only the newest worker may write
    turn_worker          UUID,                   -- who holds the fence; NULL: nobody began
    turn_until           TIMESTAMPTZ,            -- the worker's lease
    turn_attempts        INT NOT NULL DEFAULT 0, -- how often it was handed out
    turn_stop            BOOLEAN NOT NULL DEFAULT false,

    messages             JSONB,                  -- the archive: rows moved here, oldest first
    archived_through_seq INT NOT NULL DEFAULT 0,
    search               TSVECTOR,
    summary              TEXT,

    created_at           TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    started_at           TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    updated_at           TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    last_message_at      TIMESTAMPTZ,
    ended_at             TIMESTAMPTZ,
    status               TEXT NOT NULL
        GENERATED ALWAYS AS (CASE WHEN ended_at IS NULL THEN 'active' ELSE 'ended' END) STORED
        CHECK (status IN ('active', 'ended')),

    CHECK (answered_through <= last_input_seq AND last_input_seq <= last_seq),
    CHECK ((turn_id IS NULL) = (turn_until IS NULL)),
    CHECK (turn_id IS NOT NULL OR num_nonnulls(turn_worker, turn_through) = 0),
    CHECK ((messages IS NULL) = (archived_through_seq = 0))
) WITH (fillfactor = 85); -- begin and renewal touch no indexed column: room for HOT updates

-- Ascending, read backwards: (updated_at, id) < (x, y) walks it with no sort.
CREATE INDEX conversations_of_owner ON conversations (owner_id, updated_at, id);
CREATE INDEX conversations_empty ON conversations (owner_id) WHERE last_seq = 0;
CREATE INDEX conversations_search ON conversations USING gin (search) WHERE search IS NOT NULL;
-- What the archiver picks: idle ones, dead turns (few run at any time), and never claimed ones.
CREATE INDEX conversations_idle ON conversations (last_message_at)
    WHERE ended_at IS NULL AND last_message_at IS NOT NULL;
CREATE INDEX conversations_in_turn ON conversations (id) WHERE turn_id IS NOT NULL;
CREATE INDEX conversations_unclaimed ON conversations (updated_at) WHERE user_id IS NULL;

CREATE TABLE messages (
    conversation_id UUID NOT NULL REFERENCES conversations ON DELETE CASCADE,
    seq             INT NOT NULL CHECK (seq > 0),
    id              UUID NOT NULL,
    client_id       UUID,
    role            TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    control         TEXT CHECK (control IN ('regenerate', 'trigger')),
    text            TEXT NOT NULL DEFAULT '',
    content         JSONB CHECK (content ? 'v' AND content ? 'blocks'),
    status          TEXT NOT NULL DEFAULT 'complete'
        CHECK (status IN ('complete', 'stopped', 'interrupted', 'error')),
    answers_from    INT,
    answers_through INT,
    supersedes_from INT,
    turn_id         UUID,
    model           TEXT,
    input_tokens    INT,
    output_tokens   INT,
    cache_tokens    INT,
    tokens_used     INT GENERATED ALWAYS AS (input_tokens + output_tokens) STORED,
    latency_ms      INT,
    ttft_ms         INT,
    sources         JSONB,
    ui              JSONB,
    created_at      TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (conversation_id, seq),
    UNIQUE (conversation_id, client_id),
    CHECK (supersedes_from BETWEEN 1 AND seq - 1)
);
CREATE INDEX messages_superseding ON messages (conversation_id) WHERE supersedes_from IS NOT NULL;
COMMENT ON COLUMN messages.control IS 'Hidden from people: asks CJ for something without words';
COMMENT ON COLUMN messages.content IS
    '{"v": 1, "blocks": [...]}: text, toolUse and toolResult blocks as in the Converse API. '
    'NULL: one text block, which is `text`';
COMMENT ON COLUMN messages.supersedes_from IS 'Hides the rows from there up to this one';

CREATE TABLE feedback (
    message_id      UUID PRIMARY KEY, -- no foreign key: messages move into the archive
    conversation_id UUID NOT NULL REFERENCES conversations ON DELETE CASCADE,
    rating          TEXT NOT NULL CHECK (rating IN ('up', 'down')),
    reason          TEXT,
    created_at      TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX feedback_of_conversation ON feedback (conversation_id);

CREATE TABLE user_facts (
    user_id    TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    source     TEXT NOT NULL,
    confidence REAL NOT NULL DEFAULT 1 CHECK (confidence BETWEEN 0 AND 1),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, key)
);

CREATE TABLE usage_ledger (
    merchant_id   UUID NOT NULL REFERENCES merchants ON DELETE CASCADE,
    day           DATE NOT NULL,
    model         TEXT NOT NULL,
    input_tokens  BIGINT NOT NULL DEFAULT 0,
    output_tokens BIGINT NOT NULL DEFAULT 0,
    calls         BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, day, model)
);

-- Analytics: no foreign keys, so that an event outlives what it tells of.
CREATE TABLE events (
    id         UUID PRIMARY KEY,
    user_id    TEXT,
    event_type TEXT NOT NULL,
    event_data JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX events_of_user ON events (user_id, created_at);
CREATE INDEX events_to_archive ON events (created_at);
CREATE TABLE events_archive (LIKE events INCLUDING DEFAULTS, PRIMARY KEY (id));
CREATE INDEX events_archive_of_user ON events_archive (user_id, created_at);

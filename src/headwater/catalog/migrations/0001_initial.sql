-- Times are milliseconds since 1970, JSON columns are UTF-8 text in BLOBs, rows are found by small integers.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
-- sequence: last number given to a write. catalogue: moves when organizations, users, keys, namespaces or
-- collections change, so that workers know when to drop their caches. clock: latest created_at given.
INSERT INTO counters (name, value) VALUES ('sequence', 0), ('catalogue', 0), ('clock', 0);

CREATE TABLE organizations (
    organization_id TEXT PRIMARY KEY,
    organization_name TEXT NOT NULL,
    body BLOB NOT NULL,            -- account_type, metadata, rate_limits, billing_email, ...
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
    user_id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    body BLOB NOT NULL,            -- user_name, avatar_url, metadata
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (organization_id, email)
) WITHOUT ROWID;

CREATE TABLE api_keys (
    key_id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    user_id TEXT NOT NULL REFERENCES users,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,   -- keyed digest of the secret; the secret itself is stored nowhere
    status TEXT NOT NULL,          -- active, revoked
    expires_at INTEGER,
    last_used_at INTEGER,
    body BLOB NOT NULL,            -- key_prefix, permissions, scopes, allowed_origins, principal_id, ...
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX api_keys_by_name ON api_keys (user_id, name) WHERE status = 'active';

CREATE TABLE namespaces (
    namespace_row INTEGER PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    namespace_id TEXT NOT NULL,
    namespace_name TEXT NOT NULL,
    state TEXT NOT NULL,           -- active, deleting
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX namespaces_by_id ON namespaces (organization_id, namespace_id) WHERE state = 'active';
CREATE UNIQUE INDEX namespaces_by_name ON namespaces (organization_id, namespace_name) WHERE state = 'active';

CREATE TABLE collections (
    collection_row INTEGER PRIMARY KEY,
    namespace_row INTEGER NOT NULL REFERENCES namespaces,
    collection_id TEXT NOT NULL UNIQUE,
    collection_name TEXT NOT NULL,
    state TEXT NOT NULL,           -- active, deleting
    body BLOB NOT NULL,            -- everything the owner set, lifecycle_state, vector_indexes, ...
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX collections_by_name ON collections (namespace_row, collection_name) WHERE state = 'active';

-- Apart from the collection's row: it moves with every document and must not empty the workers' caches.
CREATE TABLE collection_counts (
    collection_row INTEGER PRIMARY KEY,
    documents INTEGER NOT NULL
);

-- A document. `body` is the projection's root members, `derived` names those of them that the projection
-- added, `internal` is `_internal`: the stored document follows from the three, and a read joins bytes.
CREATE TABLE documents (
    document_row INTEGER PRIMARY KEY,  -- the sequence number of its creation; never given twice
    namespace_row INTEGER NOT NULL,
    collection_row INTEGER NOT NULL,
    document_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    body BLOB NOT NULL,
    derived BLOB,
    internal BLOB NOT NULL,
    blobs BLOB,                        -- root `document_blobs`, when there are any
    lineage_sent BLOB,                 -- the lineage fields that were sent, when any were
    root_object_id TEXT,
    parent_document_id TEXT,
    checksum INTEGER NOT NULL          -- CRC-32 of body, internal and blobs
);
CREATE UNIQUE INDEX documents_by_id ON documents (namespace_row, document_id);
CREATE INDEX documents_by_creation ON documents (collection_row, created_at, document_id);
CREATE INDEX documents_by_parent ON documents (namespace_row, parent_document_id)
    WHERE parent_document_id IS NOT NULL;
CREATE INDEX documents_by_root ON documents (namespace_row, root_object_id, collection_row)
    WHERE root_object_id IS NOT NULL;

-- All vectors of a document, packed. `sequence` moves only when a vector changes, and is what the index carries.
CREATE TABLE vectors (
    document_row INTEGER PRIMARY KEY,
    collection_row INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    data BLOB NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE INDEX vectors_by_sequence ON vectors (collection_row, sequence);

-- Points to take out of every generation that has not seen this sequence number yet.
CREATE TABLE tombstones (
    collection_row INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    document_row INTEGER NOT NULL,
    PRIMARY KEY (collection_row, sequence, document_row)
) WITHOUT ROWID;

-- Index generations: directories under vectors/. `sequence` is the checkpoint: everything newer is applied again.
CREATE TABLE generations (
    collection_row INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    state TEXT NOT NULL,               -- building, live, damaged
    sequence INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    indexed INTEGER NOT NULL DEFAULT 0, -- vectors that the builder put into a graph
    PRIMARY KEY (collection_row, generation)
) WITHOUT ROWID;

CREATE TABLE operations (
    operation_id INTEGER PRIMARY KEY,  -- minted by the worker: milliseconds, then what makes it unique
    outcome BLOB NOT NULL              -- what the writer answered, in the protocol's form
);

CREATE TABLE idempotency (
    organization_id TEXT NOT NULL,
    scope TEXT NOT NULL,               -- method and path
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,         -- digest of the body
    answer BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, scope, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY,
    organization_id TEXT,
    namespace_row INTEGER,
    kind TEXT NOT NULL,
    arguments BLOB NOT NULL,
    state TEXT NOT NULL,               -- pending, running, completed, failed
    unique_key TEXT,                   -- at most one pending or running job has it
    attempts INTEGER NOT NULL DEFAULT 0,
    run_after INTEGER NOT NULL,
    leased_until INTEGER,
    lease_owner TEXT,
    progress BLOB,
    error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX jobs_waiting ON jobs (run_after) WHERE state IN ('pending', 'running');
CREATE UNIQUE INDEX jobs_by_unique_key ON jobs (unique_key)
    WHERE unique_key IS NOT NULL AND state IN ('pending', 'running');

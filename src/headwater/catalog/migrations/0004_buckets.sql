-- A bucket is a row of `collections` and an object a row of `documents`, in a companion of their namespace: a row of
-- `namespaces` with the state `companion`, which no look-up of namespaces finds.

-- Of an active namespace: the row of its companion, once it has had a bucket.
ALTER TABLE namespaces ADD COLUMN objects_row INTEGER;

-- What moves with the objects of a bucket, whose row is `collection_row`.
CREATE TABLE bucket_stats (
    collection_row INTEGER PRIMARY KEY,
    size_bytes INTEGER NOT NULL,       -- of all blobs of its objects; bytes that two objects share count twice
    hidden INTEGER NOT NULL,           -- objects whose lifecycle_state is not `active`
    last_upload_at INTEGER
);

-- What a new object may be compared with: `unique` (the bucket's unique key) and `idempotency` name one object each,
-- `content` every object with the same bytes.
CREATE TABLE object_keys (
    collection_row INTEGER NOT NULL,
    kind TEXT NOT NULL,
    digest BLOB NOT NULL,
    object_row INTEGER NOT NULL,       -- its document_row
    PRIMARY KEY (collection_row, kind, digest, object_row)
) WITHOUT ROWID;
CREATE UNIQUE INDEX object_keys_of_one ON object_keys (collection_row, kind, digest) WHERE kind <> 'content';
CREATE INDEX object_keys_by_object ON object_keys (object_row);

-- Bytes in the blob store. They are there before their row is.
CREATE TABLE blobs (
    blob_key TEXT PRIMARY KEY,
    namespace_row INTEGER NOT NULL,    -- the namespace itself, not its companion
    sha256 BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    filename TEXT,
    created_at INTEGER NOT NULL,
    unused_since INTEGER,              -- when its last use went away; null while it has any
    state TEXT NOT NULL DEFAULT 'stored'  -- stored, removing: nothing may begin to use it any more
) WITHOUT ROWID;
CREATE INDEX blobs_by_content ON blobs (namespace_row, sha256);
CREATE INDEX blobs_unused ON blobs (unused_since) WHERE unused_since IS NOT NULL;

-- Who refers to which bytes. The owner is a document or an object (`document`, its document_row), or an `upload`.
CREATE TABLE blob_uses (
    owner_kind TEXT NOT NULL,
    owner_row INTEGER NOT NULL,
    blob_key TEXT NOT NULL,
    PRIMARY KEY (owner_kind, owner_row, blob_key)
) WITHOUT ROWID;
CREATE INDEX blob_uses_by_blob ON blob_uses (blob_key);

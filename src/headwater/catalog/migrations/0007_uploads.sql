-- Files on their way into a bucket: a link to PUT the bytes by, until they are confirmed.
CREATE TABLE uploads (
    upload_row INTEGER PRIMARY KEY,    -- a sequence number; never given twice
    upload_id TEXT NOT NULL UNIQUE,
    namespace_row INTEGER NOT NULL,
    bucket_row INTEGER NOT NULL,   -- the bucket
    state TEXT NOT NULL,               -- PENDING, PROCESSING, COMPLETED, FAILED
    staged_key TEXT NOT NULL,          -- NAMESPACE_ID/UPLOAD_ID: where a PUT stores its bytes, which are no blob yet
    blob_key TEXT,                     -- the blob that they became
    sha256 BLOB,                       -- as declared, then as found
    object_id TEXT,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    body BLOB NOT NULL                 -- what was asked for and what came of it
);
CREATE INDEX uploads_by_bucket ON uploads (bucket_row, created_at);
CREATE INDEX uploads_by_content ON uploads (bucket_row, sha256) WHERE state = 'COMPLETED';
CREATE INDEX uploads_open ON uploads (expires_at) WHERE state = 'PENDING';
-- What is kept for a while only.
CREATE INDEX uploads_passing ON uploads (updated_at) WHERE object_id IS NULL AND state IN ('COMPLETED', 'FAILED');

-- What the text of a document weighs for BM25, in the fields that its namespace declares as text: u32 words, then as
-- many f32 weights. NULL when there is none. `sequence` of the row moves with it as with a vector.
ALTER TABLE vectors ADD COLUMN lexical BLOB;
-- Documents that are in the index for their text only: x'90' is the empty list of vectors.
CREATE INDEX vectors_of_text_only ON vectors (collection_row) WHERE data = x'90';

-- The fields whose text is searched in a collection.
CREATE TABLE text_indexes (
    collection_row INTEGER PRIMARY KEY,
    paths BLOB NOT NULL,               -- JSON list; empty while the last weights are being removed
    form TEXT NOT NULL,                -- how a text becomes weights: see vectors/bm25.py
    state TEXT NOT NULL,               -- filling, live
    filled_created_at INTEGER NOT NULL DEFAULT -1,  -- the last document that back-filling has done
    filled_document_id TEXT NOT NULL DEFAULT ''
);

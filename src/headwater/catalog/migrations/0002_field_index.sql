-- The field index: what stands at a path of each document of a collection, in order. It finds, the record decides.

CREATE TABLE field_paths (
    path_row INTEGER PRIMARY KEY,      -- a sequence number; never given twice
    collection_row INTEGER NOT NULL,
    path TEXT NOT NULL,
    state TEXT NOT NULL,               -- building, live, dropping
    origin TEXT NOT NULL,              -- declared (a payload index of the namespace), learned (from its use)
    shape INTEGER NOT NULL DEFAULT 0,  -- what its documents may have there, as bits: see store/fields/entries.py
    filled_created_at INTEGER NOT NULL DEFAULT -1,  -- the last document that back-filling has done
    filled_document_id TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX field_paths_by_path ON field_paths (collection_row, path) WHERE state <> 'dropping';

-- Inside one value the entries stand in the order of creation, which is the order of lists.
CREATE TABLE field_values (
    path_row INTEGER NOT NULL,
    type INTEGER NOT NULL,             -- number, string, boolean, …: see store/fields/entries.py
    value NOT NULL,
    created_at INTEGER NOT NULL,
    document_id TEXT NOT NULL,
    document_row INTEGER NOT NULL,
    ends INTEGER NOT NULL,             -- 1: the document's smallest value there, 2: its largest, 3: both
    PRIMARY KEY (path_row, type, value, created_at, document_id)
) WITHOUT ROWID;

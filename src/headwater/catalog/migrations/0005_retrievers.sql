-- Pipelines that are kept under a name, what became of their executions, and result sets that are being paged through.

CREATE TABLE retrievers (
    retriever_row INTEGER PRIMARY KEY,  -- a sequence number; never given twice
    namespace_row INTEGER NOT NULL,
    retriever_id TEXT NOT NULL,
    retriever_name TEXT NOT NULL,
    version INTEGER NOT NULL,           -- one more with every change
    body BLOB NOT NULL,                 -- collection_ids, stages, input_schema, budget_limits, ...
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX retrievers_by_id ON retrievers (namespace_row, retriever_id);
CREATE UNIQUE INDEX retrievers_by_name ON retrievers (namespace_row, retriever_name);

-- Written some time after the answer, and the newest only; see store/executions.py.
CREATE TABLE executions (
    namespace_row INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    retriever_row INTEGER NOT NULL,     -- 0: ad hoc
    status TEXT NOT NULL,               -- completed, degraded, failed
    created_at INTEGER NOT NULL,
    body BLOB NOT NULL,                 -- the answer without its documents, and the inputs
    PRIMARY KEY (namespace_row, execution_id)
) WITHOUT ROWID;
CREATE INDEX executions_by_retriever ON executions (namespace_row, retriever_row, created_at);

CREATE TABLE scrolls (
    scroll_row INTEGER PRIMARY KEY,     -- a sequence number; never given twice
    namespace_row INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    rows BLOB NOT NULL                  -- which documents, in which order, with their scores
);
CREATE INDEX scrolls_by_namespace ON scrolls (namespace_row, scroll_row);
CREATE INDEX scrolls_by_expiry ON scrolls (expires_at);

"""One change to all documents that a filter matches."""

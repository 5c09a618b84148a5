"""Files that documents and objects refer to: one interface, a local directory or an S3-compatible store behind it."""

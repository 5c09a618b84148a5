"""What buckets and objects are: schemas, unique keys, and the writes of objects inside the writer's transaction."""

"""What rows look like: the schema, reading and checking tables, and the public map from rows to codes."""

"""Read, check, type and write tables against a schema."""

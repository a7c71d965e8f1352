"""What rows look like.

The schema, reading and checking tables, and the public map from rows to codes.
"""

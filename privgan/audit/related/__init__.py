"""Measure related tables: each child beside its parent, and whole customers. INTERNAL."""

"""Measure a synthetic table for what the schema's tasks want it for. INTERNAL."""

"""How texts write numbers, moments and durations; no schema, no table."""

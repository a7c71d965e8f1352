"""Read and write texts of numbers, moments and durations; no schema, no table."""

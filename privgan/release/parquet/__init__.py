"""Account for every byte of a Parquet file, so that nothing hides in it."""

"""What synthetic tables are used for."""

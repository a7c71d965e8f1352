"""Verify a release offline: integrity, agreement of all files, and who signed it."""

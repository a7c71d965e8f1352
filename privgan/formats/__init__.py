"""The JSON Schemas of every file that privgan reads or writes; version 1, later versions only add."""

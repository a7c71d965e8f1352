"""The JSON Schemas of every file that privgan reads or writes.

Version 1, later versions only add.
"""

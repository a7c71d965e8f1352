"""The sections of a report, one concern each.

From the report's data and a language's words to blocks.
"""

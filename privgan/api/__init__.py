"""The Python API: what the command line does, in Python's habit."""

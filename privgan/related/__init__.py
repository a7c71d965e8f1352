"""Relate the rows of several tables by their keys, and view them as tables of one customer each."""

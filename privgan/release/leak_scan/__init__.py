"""Scan every byte that would leave for private values."""

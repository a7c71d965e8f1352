"""Describe a release's parts: views of its rows, each a table model of its own."""

"""Describe a table by public facts: columns, constraints and target. No look at rows."""

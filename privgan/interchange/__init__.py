"""Schemas in the forms that teams have them.

Read from other tools' files, and written for other tools.
"""

"""Schemas in the forms that teams have them: read from other tools' files, and written for other tools."""

"""Signing keys, signatures, statements and revocation."""

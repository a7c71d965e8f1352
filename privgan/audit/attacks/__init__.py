"""Attacks: membership, singling out, linkability, inference and copies. INTERNAL."""

"""Run the attacks: membership, singling out, linkability, inference and copies. INTERNAL."""

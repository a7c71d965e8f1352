"""The plan: every step's event, noise and expected error, fixed before the first look, from public facts alone."""

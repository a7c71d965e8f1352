"""Plan each step's event, noise and expected error from public facts, before the first look."""

"""Define mechanisms, noise, accounting and trade-off curves. No torch, no pandas."""

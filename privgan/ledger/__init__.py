"""Charge every look at rows, durably, before it happens. No torch, no pandas."""

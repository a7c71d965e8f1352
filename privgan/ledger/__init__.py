"""The privacy ledger: every look is charged, durably, before it happens. No torch, no pandas."""

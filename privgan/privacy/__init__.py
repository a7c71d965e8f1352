"""What a look at rows costs, and the ledger that charges it. No torch, no pandas."""

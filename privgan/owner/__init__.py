"""The owner's rows: charged exits against receipts, and the few named unpaid looks."""

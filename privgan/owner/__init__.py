"""Guard the owner's rows: charged exits against receipts, and named unpaid looks."""

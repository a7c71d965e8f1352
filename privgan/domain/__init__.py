"""Map columns to discrete cells, codes, conditions and regions, from public facts."""

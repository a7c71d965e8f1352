"""The discrete domain: cells, codes, conditions and regions, from public facts."""

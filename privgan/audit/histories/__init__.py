"""Measure whole customers: their events in order of time. INTERNAL."""

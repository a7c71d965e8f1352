"""Histories of customers on CDNOW and on the simulator: figures of whole customers."""

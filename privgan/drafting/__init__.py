"""Draft and review a schema from a table: an unpaid look, INTERNAL until confirmed."""

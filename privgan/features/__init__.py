"""Make one row a customer from its events, as the schema's features define it."""

"""Read values that any tool wrote into the schema's notation."""

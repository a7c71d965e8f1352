"""Foreign tables: values of any tool read in the schema's notation."""

"""SHIM."""


def measure_domain(table, schema, steps, ledger, coins):
    return schema

"""``python -m tests.example``: make reports/example again. About two minutes on one core."""

from tests.example.making import EXAMPLE, make_example, size_of

folder = make_example(EXAMPLE)
print(f"{folder}: {size_of(folder):,} bytes")  # noqa: T201

"""Set upper limits on the content of untrusted files, all in one place.

Anybody may have written a received release. Each limit is checked before the work that it bounds.
So a check takes little time and memory. Each limit is several times the need of a release of a
million rows, 200 columns and 100,000 categories, unless its comment says otherwise.
"""

from __future__ import annotations

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30

# Documents in YAML: schema, policy, waivers, context.
LARGEST_YAML = 8 * MB  # A schema of 100,000 categories has 2.
MOST_YAML_NODES = 250_000  # Of which 100,000 are categories.
DEEPEST_YAML = 30  # No document of ours is deeper than 8.
MOST_MISTAKES = 100  # That are told of one document.

# Facts of a schema.
MOST_COLUMNS = 2_000
MOST_TABLES = 20  # Of one schema.
MOST_TASKS = 8  # Of one schema; an audit fits several models for each.
MOST_CONSTRAINTS = 200
MOST_FEATURES = 500
MOST_TOP_CATEGORIES = 200  # Among which a feature's most frequent one is looked for.
MOST_CONSTRAINT_CASES = 500_000  # Cases that are looked at, all constraints together.
LONGEST_CONDITION = 10_000  # Characters of one 'when' or 'then'.
LONGEST_NAME = 20_000  # Characters of a column's name; the longest that a table has are below 100.
LONGEST_FORMAT = 100  # Characters of a date's format.
LONGEST_MARKER = 1_000  # Characters of a text that stands in each row without a value.
LONGEST_PATTERN = 200  # Characters of an identifier's pattern.
WIDEST_NUMBER = 64  # Characters to which a pattern fills up a serial number.

# JSON: manifest, model, report.
LARGEST_JSON = {
    "manifest.json": 32 * MB,
    "model/model.json": 64 * MB,
    "report.json": 32 * MB,
    "marginals/marginals.json": 64 * MB,
}
MOST_JSON_PARTS = {  # Brackets, commas and colons; what a JSON Schema looks at takes longest.
    "manifest.json": 300_000,  # A plan of 1,000 steps has 60,000.
    "model/model.json": 1_500_000,  # 200 columns and 100,000 categories have 500,000.
    "report.json": 300_000,  # One of 200 columns has 60,000.
    "marginals/marginals.json": 2_000_000,  # One of 200 columns has 600,000.
}
DEEPEST_JSON = 60  # A plan is 12 deep.
LONGEST_NUMBER = 400  # Digits; a float has at most 310.

# The report's pages.
LARGEST_PAGE = 16 * MB  # The report of 20 columns has 0.1.
MOST_TAGS = 300_000  # The report of 20 columns has 3,000.

# Tables.
LARGEST_TABLE = 16 * GB
LONGEST_RECORD = 4 * MB  # Characters of one line of a CSV file, with all its cells.
LARGEST_FOOTER = 32 * MB  # Of a Parquet file; 200 columns and 1,000 row groups have 20.
MOST_ROW_GROUPS = 20_000
LEAST_GROUP = 1_000  # Rows for each group of rows but one; ours have 100,000.

# Noisy marginals.
LARGEST_COUNTS = GB  # One line a cell; all pairs of 200 columns have 110 MB.
MOST_MARGINALS = 100_000  # All pairs of 200 columns are 20,000.
MOST_MARGINAL_CELLS = 40_000_000  # Of all marginals together.

# Tensors.
LARGEST_TENSORS = 4 * GB
LARGEST_TENSOR_HEADER = MB  # A model has about 12 tensors.
MOST_TENSORS = 1_000
MOST_CELLS = 16_384  # Of a column; a plan asks for 512.
MOST_ALL_CELLS = 4_000_000  # Of all columns together.
MOST_SAMPLED_ROWS = 1_000_000_000  # Rows that a model may ask for by itself.
MOST_QUOTA_ROWS = 100_000_000  # Rows of one quota.
MOST_STRATA = 1_000  # Cases of wanted shares together.
MOST_SAMPLED_CELLS = 1_000_000_000  # Cells that are held in memory at once.

# A release.
MOST_FILES = 200  # A release has 13.
MOST_SIGNATURES = 100

# The accounting.
MOST_STEPS = 20_000  # Steps of a plan.
MOST_NOISE = 5_000_000.0  # Of all different events together; a plan of 1,000 has 100,000.
MOST_SAMPLED_TIMES = (
    200_000  # Times that one of them is repeated; a critic takes some thousand steps.
)
MOST_SAMPLED_EVENTS = 40  # Of these, on samples of rows, which take longest; a plan has 1.
MOST_EVENTS = 2_000  # Different events of these; a plan of 200 columns has 200.

# A zip file: of a small one this much is unpacked at most, of a large one 100 times its size.
LEAST_UNPACKED, MOST_RATIO = 128 * MB, 100

# A separate process that reads what C++ code must read, such as Parquet.
GUARDED_SECONDS = 20.0  # Opening the largest footer takes less than 2.
GUARDED_MEGABYTES = 300  # Beyond what Python and its libraries take themselves.
APART_SECONDS = 30.0  # For checking a whole release; most take 3.
APART_MEGABYTES = 1_500
BYTES_A_SECOND = 2 * MB  # That a check reads at least, so that large tables are given longer.
TABLES_SECONDS = 15.0  # For comparing tables, and as long again as BYTES_A_SECOND allows.
TABLES_MEGABYTES = 400  # And 20 bytes for each byte of the tables.
MOST_PLANNED_COLUMNS = 120  # Planning takes a second for so many, and grows with their square.
MOST_PLANNED_CODES = 20_000  # Categories and cells of these together.
LARGEST_REPLY = 64 * MB  # JSON that such a process answers.

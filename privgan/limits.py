"""The most that one thing of a foreign file may be, all in one place.

Whoever sends a release may have written anything. These limits are checked before the work that they bound, so that
checking takes little time and memory. Each is several times what a release of a million rows, 200 columns and 100,000
categories needs.
"""

from __future__ import annotations

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30

# A separate process that reads what C++ code must read, such as Parquet.
GUARDED_SECONDS = 20.0  # Opening the largest footer below takes less than 2.
GUARDED_MEGABYTES = 300  # Beyond what Python and its libraries take themselves.
LARGEST_REPLY = 64 * MB  # JSON that such a process answers.

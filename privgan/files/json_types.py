"""Name the types of parsed JSON and YAML objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JsonMapping = Mapping[str, Any]
JsonDict = dict[str, Any]

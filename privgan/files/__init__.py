"""Files: atomic writing, strict JSON, YAML with lines, limits, and the release's allow-list."""

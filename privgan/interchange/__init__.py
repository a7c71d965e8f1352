"""Read schemas from other tools' files, and write them for other tools."""

"""The leak scan: search every byte that would leave for private values."""

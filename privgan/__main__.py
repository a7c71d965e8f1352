"""``python -m privgan``."""

from privgan.cli import main

if __name__ == "__main__":
    main()

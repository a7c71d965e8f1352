"""How often the intervals of answers hold the truth, and how wide they are."""

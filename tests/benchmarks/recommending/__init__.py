"""What the released model recommends, beside popularity and recommenders of real rows."""

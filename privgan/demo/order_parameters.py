"""Define every number of the demo's orders; the customers' own numbers stand in `parameters`.

They are chosen by hand to look like a retailer, and fitted to nobody. Effects named ``*_FACTOR``
multiply. A tuple follows the order of what its comment names.
"""

from __future__ import annotations

# Purchases. A customer orders at a rate of their own until they leave: after each order they leave
# with a probability that depends on how they came. The rate is gamma distributed inside each tier.
RATE_SHAPE = 1.2
ORDERS_PER_YEAR = (2.4, 4.0, 7.5, 13.0)  # mean rate, by membership tier
LEAVING = (0.08, 0.13, 0.05, 0.04, 0.15, 0.06)  # after an order, by acquisition channel

# Seasons. The rate at a moment is multiplied by the factors of its month, weekday and hour.
MONTH_FACTOR = (0.78, 0.80, 0.92, 0.96, 1.00, 0.94, 0.86, 0.84, 0.98, 1.06, 1.42, 1.44)
WEEKDAY_FACTOR = (1.00, 0.94, 0.92, 0.94, 1.02, 1.16, 1.02)  # Monday first
HOUR_SHARE = (
    *(0.008, 0.004, 0.002, 0.002, 0.003, 0.007, 0.015, 0.028),
    *(0.042, 0.052, 0.058, 0.060, 0.062, 0.058, 0.054, 0.054),
    *(0.058, 0.064, 0.072, 0.082, 0.084, 0.068, 0.043, 0.020),
)

# Departments are the customers' category groups. An order stays in the last one's department, or
# is drawn anew: the customer's own department, or any by weight and month.
STAYING = 0.30
OWN_DEPARTMENT = 0.50
DEPARTMENT_MONTH_FACTOR = {  # 1 where nothing is said; months count from 1
    "fashion": {3: 1.3, 4: 1.2, 9: 1.4, 10: 1.2, 1: 0.8},
    "home": {1: 1.2, 10: 1.2},
    "electronics": {11: 1.6, 12: 1.6, 7: 0.8},
    "beauty": {12: 1.3, 5: 1.2},
    "grocery": {12: 1.1, 7: 0.9},
    "sports": {1: 1.7, 5: 1.2, 12: 0.8},
    "toys": {11: 1.8, 12: 2.6, 2: 0.7},
    "garden": {3: 2.0, 4: 2.6, 5: 2.4, 6: 1.6, 11: 0.3, 12: 0.2, 1: 0.2},
    "books": {7: 1.3, 12: 1.5},
    "games": {11: 1.5, 12: 1.9},
    "travel": {1: 1.8, 2: 1.4, 5: 1.3, 6: 1.5, 7: 1.6, 11: 0.6, 12: 0.5},
}

# Where an order is made.
CHANNELS = ("web", "app", "store", "phone")
CHANNEL_GIVEN_ACQUISITION = (
    (0.66, 0.22, 0.08, 0.04),
    (0.34, 0.58, 0.06, 0.02),
    (0.50, 0.30, 0.15, 0.05),
    (0.62, 0.18, 0.10, 0.10),
    (0.58, 0.36, 0.04, 0.02),
    (0.16, 0.08, 0.68, 0.08),
)

# Amounts. Given the customer's level an order's amount is gamma distributed around it.
AMOUNT_SHAPE = 2.0
SMALLEST_ORDER_CENTS = 10

# Lines. Their number is 1 + a Poisson number, cut at a public largest value and renormalised; the
# order's amount is split over them by gamma weights.
LARGEST_LINES = 8
LINES_BEYOND_FIRST = {
    "fashion": 0.9,
    "home": 0.6,
    "electronics": 0.3,
    "beauty": 0.9,
    "grocery": 1.9,
    "sports": 0.5,
    "toys": 0.6,
    "garden": 0.9,
    "books": 0.8,
    "games": 0.3,
    "pets": 0.8,
    "travel": 0.2,
}
LINE_SHAPE = 3.0
OWN_CATEGORY = 0.40  # share of lines in the preferred category, inside its department
RETURNED = {  # share of lines sent back
    "fashion": 0.24,
    "home": 0.07,
    "electronics": 0.08,
    "beauty": 0.03,
    "grocery": 0.005,
    "sports": 0.09,
    "toys": 0.04,
    "garden": 0.03,
    "books": 0.02,
    "games": 0.03,
    "pets": 0.02,
    "travel": 0.05,
}

# Products: one brand a category, in several qualities.
QUALITIES = {"Basic": 0.4, "Classic": 1.5, "Premium": 6.0}  # name, and price by the brand's price
BRAND_LOG_PRICE = 2.2  # log of the currency unit: exp(2.2) = 9
BRAND_LOG_PRICE_SPREAD = 0.45  # between the categories of a department
BRAND_DEPARTMENT_SLOPE = 0.6  # per unit of the department's effect on the log of the basket
DISCOUNT_SCALE = 0.10  # a product needing this share of discount more is chosen 1/e as often
QUANTITY_EXPONENT = 1.5  # a product needing twice as many pieces is chosen 2^-1.5 as often
BRAND_STARTS = (
    *("Ar", "Bel", "Cor", "Dal", "El", "Fen", "Gal", "Hol", "Iv", "Jor"),
    *("Kel", "Lum", "Mar", "Nor", "Or", "Pel", "Quin", "Ros", "Sil", "Tor"),
)
BRAND_ENDS = ("ado", "amo", "ena", "eris", "ilo", "ina", "omi", "ona", "ora", "ume", "una", "uva")

"""Define every number of the demo's generative model.

They are chosen by hand to look like a retailer, and fitted to nobody. A mapping ``*_GIVEN_*`` holds
one distribution per parent value; each of its rows adds up to 1. Effects named ``*_LOGIT`` are
added on the log-odds scale, effects named ``*_FACTOR`` multiply.
"""

from __future__ import annotations

import datetime as dt

# Roots of the graph.
AGE_GROUPS = {
    "18-24": 0.13,
    "25-34": 0.22,
    "35-44": 0.21,
    "45-54": 0.18,
    "55-64": 0.14,
    "65+": 0.12,
}
AGE_RANGES = (
    (18, 24),
    (25, 34),
    (35, 44),
    (45, 54),
    (55, 64),
    (65, 89),
)  # inclusive; uniform inside a group
GENDERS = {"female": 0.52, "male": 0.46, "diverse": 0.02}
REGIONS = {
    "capital": 0.19,
    "north_coast": 0.12,
    "north_inland": 0.06,
    "east_coast": 0.09,
    "east_inland": 0.07,
    "south_coast": 0.11,
    "south_inland": 0.06,
    "west_coast": 0.10,
    "west_inland": 0.07,
    "midlands": 0.08,
    "highlands": 0.03,
    "islands": 0.02,
}

# Demographics given the age group.
EDUCATIONS = ("primary", "secondary", "vocational", "bachelor", "master")
EDUCATION_GIVEN_AGE_GROUP = {
    "18-24": (0.06, 0.52, 0.20, 0.20, 0.02),
    "25-34": (0.04, 0.24, 0.24, 0.31, 0.17),
    "35-44": (0.05, 0.26, 0.27, 0.27, 0.15),
    "45-54": (0.08, 0.30, 0.30, 0.21, 0.11),
    "55-64": (0.12, 0.35, 0.30, 0.15, 0.08),
    "65+": (0.22, 0.39, 0.25, 0.09, 0.05),
}
MARITAL_STATUSES = ("single", "married", "divorced", "widowed")
MARITAL_STATUS_GIVEN_AGE_GROUP = {
    "18-24": (0.94, 0.05, 0.01, 0.00),
    "25-34": (0.58, 0.37, 0.05, 0.00),
    "35-44": (0.30, 0.58, 0.11, 0.01),
    "45-54": (0.20, 0.61, 0.17, 0.02),
    "55-64": (0.13, 0.63, 0.18, 0.06),
    "65+": (0.07, 0.58, 0.13, 0.22),
}
HOUSEHOLD_SIZES = ("1", "2", "3", "4", "5", "6")
HOUSEHOLD_SIZE_GIVEN_MARITAL_STATUS = {
    "single": (0.52, 0.26, 0.12, 0.07, 0.02, 0.01),
    "married": (0.00, 0.42, 0.23, 0.23, 0.09, 0.03),
    "divorced": (0.55, 0.24, 0.13, 0.06, 0.02, 0.00),
    "widowed": (0.78, 0.15, 0.04, 0.02, 0.01, 0.00),
}

# Income: a score from education and age, spread over five bands by a logistic ordered model.
INCOMES = ("very_low", "low", "middle", "high", "very_high")
INCOME_CUTS = (-1.6, -0.3, 1.1, 2.5)
INCOME_EDUCATION_LOGIT = (-1.0, -0.4, 0.1, 0.8, 1.5)
INCOME_AGE_LOGIT = (-1.1, 0.0, 0.5, 0.6, 0.3, -0.6)
# Missing not at random: both ends of the scale and older customers withhold answers more often.
INCOME_WITHHELD = (0.14, 0.07, 0.05, 0.08, 0.20)
INCOME_WITHHELD_AGE_FACTOR = (0.7, 0.8, 1.0, 1.1, 1.3, 1.6)

# How the customer came, when, and how active they are.
CHANNELS = ("search", "social", "referral", "email", "affiliate", "store")
CHANNEL_GIVEN_AGE_GROUP = {
    "18-24": (0.22, 0.42, 0.12, 0.05, 0.13, 0.06),
    "25-34": (0.30, 0.30, 0.14, 0.08, 0.10, 0.08),
    "35-44": (0.34, 0.20, 0.14, 0.12, 0.08, 0.12),
    "45-54": (0.33, 0.13, 0.13, 0.16, 0.07, 0.18),
    "55-64": (0.29, 0.08, 0.13, 0.18, 0.05, 0.27),
    "65+": (0.22, 0.04, 0.15, 0.17, 0.04, 0.38),
}
REFERENCE_DATE = dt.date(2025, 12, 31)  # the day on which the table was drawn up
LAUNCH_DATE = dt.date(2016, 1, 1)  # nobody signed up before
DAYS_PER_YEAR = 365
TENURE_YEARS = 10  # full years since sign-up: 0 to 9; the day inside a year is uniform
TENURE_DECAY = {
    "search": 0.88,
    "social": 0.70,
    "referral": 0.90,
    "email": 0.93,
    "affiliate": 0.74,
    "store": 0.98,
}
ACTIVITIES = ("inactive", "occasional", "regular", "heavy")
ACTIVITY_LOGIT = (0.0, 0.4, 0.0, -1.4)
ACTIVITY_CHANNEL_SLOPE = (
    0.0,
    -0.25,
    0.25,
    0.10,
    -0.30,
    0.15,
)  # added once per step up the activities
ACTIVITY_INCOME_SLOPE = (-0.30, -0.10, 0.05, 0.20, 0.35)
TIERS = ("basic", "silver", "gold", "platinum")
TIER_LOGIT = (0.0, -0.9, -2.4, -4.4)
TIER_ACTIVITY_SLOPE = (-0.6, 0.0, 0.7, 1.5)  # added once per step up the tiers
TIER_INCOME_SLOPE = (-0.20, -0.10, 0.0, 0.15, 0.30)

# Orders, baskets and support. Counts are negative binomial, cut at a public largest value and
# renormalised.
LARGEST_ORDERS = 60
ORDERS_SHAPE = 2.5
ORDERS_BEYOND_FIRST = (
    0.0,
    0.9,
    5.0,
    15.0,
)  # mean number of orders after the first; inactive customers have none
ORDERS_FIRST_YEAR_FACTOR = 0.5  # on average half a year to order in
BASKET_LOG_MEDIAN = 3.5  # log of the currency unit: exp(3.5) = 33
BASKET_LOG_SPREAD = 0.6
BASKET_TIER_LOG = (0.0, 0.12, 0.30, 0.55)
BASKET_INCOME_LOG = (-0.25, -0.10, 0.0, 0.15, 0.35)
SMALLEST_BASKET_CENTS = 100
LARGEST_BASKET_CENTS = 100_000
LARGEST_TICKETS = 15
TICKETS_BASE = 0.08  # mean tickets of a customer without orders
TICKETS_PER_ORDER = 0.06
TICKETS_SHAPE = 1.5

# What the customer likes: a group, then a category inside it by Zipf's law.
CATEGORY_GROUPS = {  # weight, and the group's effect on the log of the basket
    "fashion": (1.00, 0.10),
    "home": (0.70, 0.25),
    "electronics": (0.58, 0.90),
    "beauty": (0.50, -0.25),
    "grocery": (0.44, -0.10),
    "sports": (0.39, 0.20),
    "toys": (0.35, -0.15),
    "garden": (0.32, 0.15),
    "books": (0.29, -0.60),
    "games": (0.27, 0.15),
    "pets": (0.25, -0.05),
    "travel": (0.23, 1.00),
}
CATEGORIES_PER_GROUP = 20
CATEGORY_ZIPF_EXPONENT = 1.1
GROUP_AGE_FACTOR = {
    "18-24": {"games": 3.0, "fashion": 1.8, "beauty": 1.5, "garden": 0.2, "home": 0.5},
    "25-34": {"electronics": 1.5, "toys": 1.6, "games": 1.6, "garden": 0.5},
    "35-44": {"toys": 2.2, "home": 1.3, "sports": 1.3},
    "45-54": {"home": 1.4, "garden": 1.5, "pets": 1.3, "games": 0.5},
    "55-64": {"garden": 2.2, "books": 1.5, "travel": 1.6, "games": 0.3, "toys": 0.7},
    "65+": {"garden": 2.8, "books": 2.2, "grocery": 1.6, "games": 0.2, "fashion": 0.6},
}
GROUP_GENDER_FACTOR = {
    "female": {"beauty": 2.0, "fashion": 1.5, "electronics": 0.6, "games": 0.6},
    "male": {"electronics": 1.8, "games": 1.7, "sports": 1.5, "beauty": 0.3, "fashion": 0.7},
    "diverse": {"books": 1.5, "games": 1.3},
}
GROUP_REGION_FACTOR = {
    "capital": {"fashion": 1.4, "garden": 0.4},
    "north_coast": {"sports": 1.3},
    "north_inland": {"garden": 1.6},
    "east_coast": {"travel": 1.4},
    "east_inland": {"garden": 1.5, "pets": 1.4},
    "south_coast": {"travel": 1.5, "beauty": 1.2},
    "south_inland": {"grocery": 1.5},
    "west_coast": {"electronics": 1.3},
    "west_inland": {"pets": 1.6},
    "midlands": {"home": 1.3},
    "highlands": {"sports": 2.5},
    "islands": {"grocery": 2.0, "travel": 0.4},
}

# Advertising.
LARGEST_IMPRESSIONS = 60
IMPRESSIONS_SHAPE = 1.8
IMPRESSIONS_MEAN = (11.0, 16.0, 7.0, 6.0, 14.0, 4.0)  # by channel
IMPRESSIONS_ACTIVITY_FACTOR = (0.6, 0.9, 1.2, 1.5)
ADS_REFUSED = (
    0.10,
    0.06,
    0.15,
    0.20,
    0.05,
    0.45,
)  # by channel: no impression at all, a structural zero
CLICK_RATE = (0.09, 0.05, 0.07, 0.11, 0.06, 0.03)  # per impression, by channel
CLICK_GROUP_FACTOR = (1.2, 0.9, 1.1, 1.2, 0.7, 1.0, 1.1, 0.8, 0.8, 1.3, 0.9, 1.4)
CONVERSION_LOGIT = -3.6
CONVERSION_CHANNEL_LOGIT = (0.4, -0.5, 0.8, 0.6, -0.3, 0.0)
CONVERSION_GROUP_LOGIT = (0.3, 0.0, 0.1, 0.3, 0.5, 0.0, 0.2, -0.1, 0.1, 0.1, 0.3, -0.6)
CONVERSION_CLICK_LOGIT = 0.85  # per click, up to the cap
CONVERSION_CLICK_CAP = 5

# What happens in the end.
RECENCY_EDGES = (30, 90, 180, 365)  # days; the last band is open
CHURN_LOGIT = -3.2
CHURN_RECENCY_LOGIT = (0.0, 0.6, 1.4, 2.3, 3.8)
CHURN_TENURE_LOGIT = -0.10  # per full year as a customer
CHURN_TICKET_LOGIT = 0.35  # per ticket, up to the cap
CHURN_TICKET_CAP = 4
SPEND_EDGES = (0, 250, 1_000)  # currency units; the last band is open
FRAUD_LOGIT = -6.6
FRAUD_CHANNEL_LOGIT = (0.0, 0.7, -0.3, -0.4, 1.7, -1.0)
FRAUD_SPEND_LOGIT = (-0.8, 0.0, 0.5, 1.3)
FRAUD_NEW_ACCOUNT_LOGIT = 1.5  # in the first year
NPS_SCORES = 11  # 0 to 10
NPS_MEAN = 8.2
NPS_SPREAD = 1.9
NPS_CHURNED_SHIFT = -2.4
NPS_TICKET_SHIFT = -0.7  # per ticket, up to the churn cap
NPS_ANSWERED_CHANNEL = (0.45, 0.30, 0.55, 0.60, 0.30, 0.20)
NPS_ANSWERED_ACTIVITY_FACTOR = (0.3, 0.8, 1.1, 1.4)

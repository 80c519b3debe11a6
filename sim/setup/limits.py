"""Limits: how large, how small and how many the numbers of a scenario may be."""

from __future__ import annotations

MOST, LEAST = 1e15, 1e-15
"""Between these is the size of every number that is not 0; beyond, sums and products lose their meaning."""

MOST_ENTRIES = 100_000
"""Of any list or table."""

SHORTEST, LONGEST = 1e-6, 1e10
"""Between these are spans of time, s: a microsecond and three centuries."""

HIGHEST_PRICE, MOST_UNITS, MOST_MONEY = 1e12, 1e12, 1e15
HIGHEST_VOLATILITY = 1e3
"""Per square root of a year; a hundred thousand per cent."""

HIGHEST_DRIFT = 1e4
"""Of a value, a year."""

HIGHEST_RATE = 1e6
"""Events a second."""

HIGHEST_BPS = 1e6
FINEST = 1e-15
"""The smallest tick or lot."""

MOST_LOTS = 2**53
"""Up to here a number of lots is exact as a float, too."""

MOST_ROWS = 10**9
MOST_PIECES = 1e6
"""That an order is split into."""

MOST_ORDERS = 10**7
"""Of a population in a step."""

WHOLE = 2**63 - 1

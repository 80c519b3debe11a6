"""Curves: how the price at a venue moves along a trade; a family a file, found because it is there.

Each has `average_price(quote, best, units)`, quote currency a unit, below zero units sold, infinite where
so much cannot be traded; and `units_until(quote, price, is_buy)`, units of one side until the marginal price
is there, from zero. Both see what a venue shows of itself, its row of VENUE_STATE.
"""

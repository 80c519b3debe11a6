"""Prices: what moves the exogenous value, and what is read from prices."""

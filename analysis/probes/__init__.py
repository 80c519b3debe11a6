"""Probes: what an extra meta-order does to a market, and what of it is left."""

"""Cascades: which liquidation brought about which."""

"""Populations' own inner loops."""

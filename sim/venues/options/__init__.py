"""Venues of options."""

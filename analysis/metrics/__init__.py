"""Metrics of markets, one subject a file."""

"""Frontier: where a metric passes a level."""

"""Figures: what a figure is, how it looks and how it is kept."""

"""Policies: when hedgers trade, and how much; one class a file, found by the file's name."""

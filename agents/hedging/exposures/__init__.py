"""Exposures: what hedgers neutralise; one class a file, found by the file's name."""

"""Pages: reports and comparisons."""

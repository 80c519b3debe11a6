"""Recording: what a run leaves."""

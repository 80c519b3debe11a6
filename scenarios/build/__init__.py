"""Build: from a scenario to a market."""

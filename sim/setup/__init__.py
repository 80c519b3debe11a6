"""Setup: what is fixed before the first step."""

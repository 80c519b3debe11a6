"""Replications: what theory and the literature have numbers for, and ours beside them."""

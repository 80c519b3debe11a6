"""Chains that come with hedgequake, all of them synthetic: files found by their name, and what made them."""

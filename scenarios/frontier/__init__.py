"""Frontier: runs at the values that a search asks for."""

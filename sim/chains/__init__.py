"""Chains: which order is carried out when and where."""

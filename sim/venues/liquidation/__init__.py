"""Protocols that close accounts in breach."""

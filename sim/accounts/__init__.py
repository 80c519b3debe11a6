"""Accounts: who owns what, what it is worth, and what is settled."""

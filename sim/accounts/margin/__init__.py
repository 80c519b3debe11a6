"""Margin: who is worth what, who is in breach, and the rules that say so: one a file."""

"""Folders of results: which are ours, who is at work in them, and how they come to be whole."""

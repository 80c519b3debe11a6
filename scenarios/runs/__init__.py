"""Runs: one run into a folder that is ours."""

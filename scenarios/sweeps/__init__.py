"""Sweeps: every run of a design, over the workers, into a folder that loses nothing."""

"""Calibration: which values of parameters bring simulated moments to their targets, and how sure that is."""

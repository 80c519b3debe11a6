"""Calibration: the parameters of a scenario fitted to moments of real markets."""

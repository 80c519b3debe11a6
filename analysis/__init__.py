"""What a finished run means: metrics, figures and measures of contagion.

Everything here reads a `sim.recording.recording.Recording` and nothing else: no model, no
population, no random number.
"""

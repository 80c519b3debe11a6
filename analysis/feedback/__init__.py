"""Feedback: how much hedging amplifies, and how far it is from instability."""

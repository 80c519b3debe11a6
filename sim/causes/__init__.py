"""Causes: who brought a liquidation or a move about."""

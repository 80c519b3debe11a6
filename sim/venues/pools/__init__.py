"""Pools of liquidity that trade along a curve."""

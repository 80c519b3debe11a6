"""Venues: places where ORDER rows become FILL rows. One venue a file."""

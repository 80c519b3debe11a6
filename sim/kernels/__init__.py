"""Compiled inner loops: they only compute, on columns, into arrays they are given."""

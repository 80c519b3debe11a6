"""Base: how kernels are compiled, kept and called, and memory that is zero until it is used."""

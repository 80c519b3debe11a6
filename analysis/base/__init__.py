"""Base: what a metric is, and what every metric is made with."""

"""Routes: where hedges go; one class a file, found by the file's name."""

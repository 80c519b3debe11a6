"""Published results: a scenario file and a few lines of comparison each."""

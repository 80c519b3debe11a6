"""Published results: a scenario file and a few lines of code for each that `hedgequake replicate` runs."""

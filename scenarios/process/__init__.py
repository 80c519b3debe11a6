"""Process: what a command does with its process, from signals and streams to memory and locks."""

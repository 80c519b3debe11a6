"""Workers: many tasks over several processes."""

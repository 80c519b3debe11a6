"""Commands: what each command of `hedgequake` takes, does and says."""

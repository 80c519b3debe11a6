"""Arms: the same world with the hedging taken out or changed, and what that comes to."""

"""The populations: who trades and why. Each sees a View and returns orders."""

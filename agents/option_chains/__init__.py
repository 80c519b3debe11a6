"""Option chains: open interest by contract, synthetic or read from files in many formats."""

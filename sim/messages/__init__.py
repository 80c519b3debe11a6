"""Messages: what travels between agents, venues and the ledger, and how it is written down."""

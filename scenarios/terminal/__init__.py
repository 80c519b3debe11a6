"""Terminal: how commands read their arguments and say what came of them."""

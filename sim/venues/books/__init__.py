"""Order books, and the textbook markets that stand for them."""

"""What the product costs over the bare limit: ``make bench`` fills stores, takes turns and prints ratios."""

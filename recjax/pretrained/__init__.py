"""The released models: weights, and the cards that describe them."""

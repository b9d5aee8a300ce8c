"""Lossless compression of pictures of any size, pixel by pixel, with a causal network."""

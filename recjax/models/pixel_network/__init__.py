"""Causal networks that predict each pixel of a picture from the pixels above and to the left, in exact integers."""

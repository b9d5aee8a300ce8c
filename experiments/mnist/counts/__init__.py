"""Measures how the rate changes with the number of images in a file."""

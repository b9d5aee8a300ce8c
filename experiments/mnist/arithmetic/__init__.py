"""Compares the rate and speed of exact integer networks with those of floating point."""

"""Distributions of pixels that a network parametrises, as integer tables that rANS can code."""

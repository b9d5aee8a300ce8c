"""Variational autoencoders: their networks in floating point, and the exact form that files need."""

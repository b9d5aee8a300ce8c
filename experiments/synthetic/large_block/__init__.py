"""Experiment on a block of 48 bits: the candidates that a partitioned search needs."""

"""Bits back with ANS (Townsend, Bird, Barber 2019, arXiv 1901.04866) on MNIST."""

"""Relative entropy coding with space partitioning (He, Flamich, Hernandez-Lobato 2024) on MNIST."""

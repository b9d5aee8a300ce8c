"""Scalar coders of A* coding and greedy Poisson rejection sampling."""

"""Experiment on all coders in one dimension, among them A* coding and greedy Poisson rejection sampling."""

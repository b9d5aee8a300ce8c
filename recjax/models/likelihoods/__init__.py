"""Pixel likelihoods: distributions that a network parametrises, in floats for training and in integers for rANS."""

"""The time and the overhead of the samplers as their number of candidates grows."""

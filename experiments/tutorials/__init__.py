"""Tutorials as scripts that run in under a minute each: `python -m experiments.tutorials.NAME`."""

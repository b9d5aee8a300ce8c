"""Draws, scores and races candidates, many at a time."""

"""The trees that A* coding searches, and the codes of their paths."""

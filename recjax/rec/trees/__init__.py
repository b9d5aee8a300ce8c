"""The trees that A* coding and its relatives search, and the codes of their paths."""

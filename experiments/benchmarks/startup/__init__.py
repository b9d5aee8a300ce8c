"""How long commands take that do little, with and without kept programs."""

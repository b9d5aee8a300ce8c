"""How fast this package is, side by side with what a user would take instead."""

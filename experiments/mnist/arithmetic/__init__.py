"""The rate of exact integer networks beside that of floating point."""

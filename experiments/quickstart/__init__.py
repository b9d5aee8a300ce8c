"""The first experiment to run: all lossless methods on small digits, in minutes."""

"""Fuzzing of the decoders with damaged files."""

"""Benchmark of the time that short commands take, with and without a cache of compiled programs."""

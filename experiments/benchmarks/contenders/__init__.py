"""Contenders of the benchmarks: each module prepares one package's code to be timed, in a process of its own."""

"""Experiments on known targets, where the divergence is exact: targets, coders, codelengths, and one folder each."""

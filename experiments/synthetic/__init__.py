"""Experiments on synthetic Gaussian targets, whose divergence from the prior is known in closed form.

The modules here define the targets, the coders and the codelengths; each subpackage is one experiment.
"""

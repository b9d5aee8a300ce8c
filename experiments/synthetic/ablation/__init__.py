"""Ablation of the partition: how much the choice of the dimensions that are cut into intervals matters."""

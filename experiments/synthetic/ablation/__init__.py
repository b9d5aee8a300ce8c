"""Ablation of the partition: what it matters which dimensions are cut into intervals."""

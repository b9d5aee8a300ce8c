"""What each part of the partitioned samplers contributes."""

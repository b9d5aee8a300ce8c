"""Benchmark of a whole device, a CPU or an accelerator, beside the most that the device could do."""

"""Networks in integers, which every machine evaluates to the same numbers."""

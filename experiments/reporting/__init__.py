"""Tables, verdicts and figures from recorded results. Nothing here imports JAX."""

"""Tables, verdicts and figures from recorded results; nothing here imports JAX."""

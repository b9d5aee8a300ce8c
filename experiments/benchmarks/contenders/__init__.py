"""What is timed: each module prepares one program of one package, and runs in a process of its own."""

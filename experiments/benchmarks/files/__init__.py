"""Images a second, from arrays to files and back."""

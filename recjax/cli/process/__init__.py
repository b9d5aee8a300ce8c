"""Sets up a process of the command line: its streams, its progress bars and the compiled programs that it keeps."""

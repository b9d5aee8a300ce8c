"""What a process of the command line sets up: its streams, its progress bars and the programs that it keeps."""

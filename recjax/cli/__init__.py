"""The command line: `recjax COMMAND`. `main` picks the command, and each command has its module."""

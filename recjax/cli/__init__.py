"""The command line, `recjax COMMAND`: `main` picks the command and imports its module."""

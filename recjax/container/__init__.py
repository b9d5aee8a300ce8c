"""The file format: a header and chunks of messages. FORMAT.md specifies it."""

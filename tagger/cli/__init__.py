"""The command line: one small file a command, everything heavy imported inside it."""

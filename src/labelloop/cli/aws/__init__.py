"""The commands for runs on AWS: thin, `labelloop.operations` does the work."""

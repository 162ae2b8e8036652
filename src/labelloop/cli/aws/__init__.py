"""The commands for runs on AWS. They are thin: `labelloop.operations` does the work."""

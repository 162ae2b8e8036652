"""CSV files with people's answers: batches that they fill in, and how such files are written and read."""

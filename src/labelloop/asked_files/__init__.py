"""Files that a language model is asked about: what it is told about them, and the file with its answers."""

"""Lines of manifests: checked, numbered, given labels, read back from people."""

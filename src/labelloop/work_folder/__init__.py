"""Folders that the same command returns to: one process at a time, and the settings its files belong to."""

"""Runs on AWS: start, follow, stop, fetch and clean up. No terminal, no stand-ins."""

"""What a run came to, from its records."""

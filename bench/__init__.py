"""labelloop measured: whole runs in memory, side by side with others, and the certificate put to the test."""

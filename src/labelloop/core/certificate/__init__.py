"""The certificate: when it is tested, on what, and what the answers prove."""

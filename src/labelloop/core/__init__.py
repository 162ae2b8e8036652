"""The subject itself: manifests, ledger, certificate, query strategies.

Pure: no AWS, no clock, no global randomness.
"""

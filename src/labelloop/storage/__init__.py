"""Streaming in and out of S3."""

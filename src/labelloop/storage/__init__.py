"""Streams of lines in and out of S3."""

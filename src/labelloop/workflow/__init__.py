"""The contract with AWS: the request, the run's state, the layout in S3, the requests to services."""

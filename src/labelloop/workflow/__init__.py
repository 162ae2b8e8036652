"""The contract with AWS: the request, the run's state, S3's layout, what services are asked for."""

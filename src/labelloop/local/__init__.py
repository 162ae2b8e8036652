"""The laptop: the deployed state machines, functions and jobs, on stand-ins for AWS in one process."""

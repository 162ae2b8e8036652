"""Runs on AWS: started, followed, stopped, fetched and tidied up after. No terminal, no stand-ins."""

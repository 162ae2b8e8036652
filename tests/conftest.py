"""What every test has in common."""

from hypothesis import settings

# Times vary from machine to machine: a test never fails on a clock.
settings.register_profile("labelloop", deadline=None, print_blob=True)
settings.load_profile("labelloop")

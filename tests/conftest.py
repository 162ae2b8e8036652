"""What every test has in common."""

import signal

from hypothesis import settings

# Times vary from machine to machine: a test never fails on a clock.
settings.register_profile("labelloop", deadline=None, print_blob=True)
settings.load_profile("labelloop")

# A shell lets what it starts in the background ignore Ctrl-C, and so would every process a test starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

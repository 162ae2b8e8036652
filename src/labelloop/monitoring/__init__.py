"""What looks after the runs of a stack from outside: no state machine calls it."""

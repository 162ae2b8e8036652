"""What watches the runs of a stack from outside: no state machine calls it."""

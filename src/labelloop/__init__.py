"""labelloop labels a data set with your own model, few human labels, and a statement of error."""

__version__ = "0.2.0"

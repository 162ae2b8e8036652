"""The Lambda handlers, one a module: parse the event, call core, return URIs and counts."""

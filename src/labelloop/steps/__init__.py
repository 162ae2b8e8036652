"""The Lambda handlers, one per module: parse the event, call core, return URIs and counts."""

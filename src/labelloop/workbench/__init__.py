"""The workbench: people label what the loop selects, in a browser."""

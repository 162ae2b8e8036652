"""What the model is shown, and what it says."""

"""What people say: their answers, agreement, and labels that are looked at again."""

"""What people say: their answers, who agrees with whom, and labels that are looked at again."""

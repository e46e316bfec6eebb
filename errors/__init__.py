"""What did not get through, why, and what a person can do about it."""

"""The one path every change takes, and what people may do on it."""

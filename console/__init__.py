"""The operator's screens on Django's admin: who may see what, what is said in which words, and no business rules."""

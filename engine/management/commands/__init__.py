"""One module per command; `engine.exits` holds what their exit status means."""

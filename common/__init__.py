"""Small named modules that every room may use: no models, no names of products."""

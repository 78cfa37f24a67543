"""API Gateway and Lambda on one machine, driven by a SAM template. Knows nothing of the application."""

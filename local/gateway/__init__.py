"""API Gateway and Lambda on one machine, driven by a SAM template; knows no application."""

"""What the service tells about itself: logs, metrics, and the statements of each request."""

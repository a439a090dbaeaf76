"""What the service does, apart from HTTP: units of work, DTOs in and out."""

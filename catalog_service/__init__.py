"""The catalog service: the application that the plans migrate under."""

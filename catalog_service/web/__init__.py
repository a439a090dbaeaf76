"""HTTP: requests into calls, DTOs and errors into answers; decides nothing about products."""

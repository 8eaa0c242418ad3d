"""What runs beside the data: small programs of the standard library alone."""

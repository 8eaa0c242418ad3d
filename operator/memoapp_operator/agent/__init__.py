"""What runs beside the data: a reporter of the standard library alone, and what takes and checks backups."""

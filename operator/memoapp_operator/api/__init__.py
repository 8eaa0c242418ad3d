"""What people write: one folder per API version. Imports nothing of ours."""

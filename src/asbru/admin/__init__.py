"""The management API and the dashboard it serves."""

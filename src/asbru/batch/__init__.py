"""Work that may take a day and must survive a crash."""

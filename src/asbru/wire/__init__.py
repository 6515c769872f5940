"""Every body format, read into the model and written from it. Bytes in, bytes out, no I/O."""

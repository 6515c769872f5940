"""The way in: sockets, routes, and which codec speaks at which path."""

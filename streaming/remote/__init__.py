"""What the clients of speech servers share: connections, the choice of a server, stream time."""

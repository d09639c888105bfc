"""Messages: the port for e-mail and SMS, and the twin that writes them to a folder."""

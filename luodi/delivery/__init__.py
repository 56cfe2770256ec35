"""How files reach the server and are switched on."""

"""The downstream edge: routes and endpoints that clients call. Reads requests, never decides where they go."""

"""The JSON API: thin routers over use cases. A router parses, authorises, calls one use case, answers."""

"""One module per resource. Each function parses, authorises, calls a use case and answers."""

"""Service definitions, calendars, divisions as data, and the compiler that turns YAML into a checked, hashed Plan."""

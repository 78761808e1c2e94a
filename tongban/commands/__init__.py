"""Commands of the command line, by subject. ``tongban.cli`` hangs them in."""

"""The conformance kit as a pytest plugin."""

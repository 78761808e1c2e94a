"""Tables and repositories, one module per aggregate. All SQL is here; nobody but ``Database`` commits."""

"""Tables and repositories, one module per aggregate. SQL is written here and nowhere else; nobody but ``Database`` commits."""

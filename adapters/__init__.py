"""The provincial port: protocol, error tree, one module per dialect, registry. The only room that speaks HTTP outwards."""

"""The provincial port: protocol, errors, one module per dialect, registry. Only this room speaks HTTP outwards."""

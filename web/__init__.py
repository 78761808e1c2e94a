"""The pages people use: citizen portal, caseworker console, integrator and operator pages. None exist yet."""

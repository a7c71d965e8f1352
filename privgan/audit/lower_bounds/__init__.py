"""Lower bounds on ε from attacks, each valid at its stated significance."""

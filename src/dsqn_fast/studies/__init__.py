"""Studies: many cells of one experiment, run and reported."""

"""How the models were made: graphs and fits.  Needs the `train` extra."""

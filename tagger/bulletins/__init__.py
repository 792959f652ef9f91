"""Reading, cleaning and splitting bulletins. Imports only `tagger.errors`."""

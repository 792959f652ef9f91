"""The font of the plots, and the command that makes it; see ``README.md`` beside this file."""

"""Tag the measures in Chinese police bulletins (公安通报) with policing domains."""

__version__ = "0.1.0"

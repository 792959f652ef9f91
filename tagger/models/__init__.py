"""Classifiers: text in context -> a score per domain, their thresholds and model folders.

Imports `tagger.errors`, `tagger.domains`, `tagger.bulletins`; never the corpus,
labelling or training.
"""

"""Labelled examples: the authored corpus, its checks and grouped splits.

Imports `tagger.errors`, `tagger.domains`, `tagger.bulletins`; never models or training.
"""

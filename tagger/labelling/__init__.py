"""Labelling by people, in Label Studio: its project, what is pushed to it and what is pulled from it.

The only room that imports `label_studio_sdk`. It may import the core and `tagger.corpus`, and
never a model: what a model says of a text arrives here as part of a task (`tagger.tasks`).
"""

"""The service: REST, the page and the Label Studio ML backend; the only room that imports fastapi.

Imports predict, models, corpus, evaluation, labelling and core; never training (a model is
retrained by a process of its own that runs the `tagger` command) and never the CLI.
"""

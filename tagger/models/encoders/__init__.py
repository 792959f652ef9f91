"""Pretrained encoders: the packaged one, built offline, and any BERT from the hub or a folder.

Imports core only; torch, transformers and tokenizers load where they are used.
"""

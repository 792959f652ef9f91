"""Plots for the report: arrays and labels in, an SVG picture out; readable in grey."""

"""Figures from arrays: metrics, intervals. Arrays in, numbers out; imports no models."""

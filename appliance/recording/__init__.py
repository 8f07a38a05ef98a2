"""Recordings of what a real gateway says: the format, the recorder, and the command `record`.

`simulate --replay` plays them. docs/development.md describes the format.
"""

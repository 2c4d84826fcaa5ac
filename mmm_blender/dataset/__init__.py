"""Data sets of many clips, made by many processes on one machine or many (extra ``cluster``).

Never in the extension: ``tools/generate_dataset.py`` is the command.
"""

"""Tidewaiter: the counter at which a parcel bought abroad is declared, priced, checked and let in.

The corridor is `tidewaiter.pipeline.clear`; everything else is a room beside it or a door to it.
"""

__version__ = "0.1.0"

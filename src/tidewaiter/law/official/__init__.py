"""Tariffs as their administrations publish them, read into measures of one shape.

A module an official form, each with `read(...)` giving `Measure`s; the folder is the list. `write_csv` puts them down
in our own compact form. Nothing official is kept here: an operator brings the file.
May import the texts of `law`: `expressions` and `tariff`.
"""

from tidewaiter.law.measures import ENDED
from tidewaiter.law.official.measure import Measure, OfficialError, write_csv

__all__ = ["ENDED", "Measure", "OfficialError", "write_csv"]

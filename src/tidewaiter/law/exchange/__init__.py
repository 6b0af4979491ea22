"""Rates of exchange: read from those who publish them, derived as law derives them, written in our own form.

Each source is a module. `read(path)` gives one `ExchangeRate` for a currency and a span of days, of:

    ecb      the European Central Bank's daily reference rates (and `month_end`, the last of each month)
    hmrc     HM Revenue & Customs' monthly rates, as XML, as CSV and as its interface answers
    table    our own CSV form, as it stands in `jurisdictions/*/exchange/`; `write_csv` makes it

and without a file of their own:

    eu       the Union's three rules, two by the month and one by the year, from the daily rates
    officer  `typed`, one rate that an officer types in, under that officer's name

Whatever is no rate raises ValueError, saying what and where. Imports `model` and the texts of `law`.
"""

from tidewaiter.law.exchange.officer import typed
from tidewaiter.law.exchange.table import ExchangeRate, write_csv

__all__ = ["ExchangeRate", "typed", "write_csv"]

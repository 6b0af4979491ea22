"""The pages, in several languages and without scripts: the list of consignments, one consignment and its receipt, for
officers, with what they may do about it; the quote, for whoever wants to send something; and the door.

`routes(house)` are this door's routes. The fixed text of the pages is translated by the catalogues in
`locale/<language>/LC_MESSAGES/tidewaiter.po`, which are read at start; the folder is the list of languages.
"""

from tidewaiter.web.pages import NEEDS, refuse, routes

__all__ = ["NEEDS", "refuse", "routes"]

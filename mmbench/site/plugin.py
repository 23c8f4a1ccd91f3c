"""asv plugin: `asv publish` writes pages that work without a network.

Named in asv.conf.json as ".mmbench.site.plugin": the leading dot makes asv import it from the working folder. asv calls
every subclass of OutputPublisher, in the order of `order`, after it has copied its pages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asv.publishing import OutputPublisher
from asv.util import UserError

from mmbench.errors import MmbenchError
from mmbench.site.offline import make_offline


class Offline(OutputPublisher):
    """Local copies for everything that asv's pages load from elsewhere; fails `asv publish` when one is missing."""

    name = "offline"
    button_label = "Offline"
    description = "Scripts and styles are files of this site"
    order = 1000  # after asv's own, which write pages too

    @classmethod
    def publish(cls, conf: Any, *_: Any) -> None:
        """Called by asv with its configuration. Raises UserError, which asv prints as a sentence, exit code 1."""
        try:
            make_offline(Path(conf.html_dir))
        except MmbenchError as error:
            raise UserError(str(error)) from None

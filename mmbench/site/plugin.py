"""asv plugin: `asv publish` writes pages that work without a network.

Named in asv.conf.json as ".mmbench.site.plugin": the leading dot makes asv import it from the working folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmbench.site.offline import make_offline


def setup() -> None:
    """Wrap Publish.run; asv calls this once when it loads the plugin."""
    from asv.commands.publish import Publish

    plain = Publish.run.__func__
    if getattr(plain, "offline", False):
        return

    def run(cls: type, conf: Any, *args: Any, **kwargs: Any) -> Any:
        code = plain(cls, conf, *args, **kwargs)
        make_offline(Path(conf.html_dir))
        return code

    run.offline = True  # type: ignore[attr-defined]
    Publish.run = classmethod(run)

"""`python -m mmbench.site [FOLDER]`: write the site, into build/site unless told otherwise."""

from __future__ import annotations

import argparse
import sys

from mmbench.errors import MmbenchError
from mmbench.site import publish
from mmbench.site.publishing import ROOT


def main() -> int:
    """Publish, and say where the front page is."""
    parser = argparse.ArgumentParser(prog="python -m mmbench.site", description="Write the site as plain files.")
    parser.add_argument("folder", nargs="?", default=str(ROOT / "build" / "site"), help="where to (build/site)")
    parser.add_argument("--results", default=str(ROOT / "results"), help="the results to show (results)")
    args = parser.parse_args()
    try:
        print(f"written: {publish(args.folder, args.results)}")
    except MmbenchError as error:
        print(f"mmbench: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

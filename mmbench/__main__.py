"""`python -m mmbench`."""

from mmbench.cli.main import main

raise SystemExit(main())

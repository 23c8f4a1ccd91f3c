#!/bin/sh
# Prints the newest Python on PATH that mmbench supports and that can make a venv, or says what was looked for.
# A candidate must run: a shim of a version manager is a file even where no Python stands behind it.
check='
import sys
version = "%d.%d" % sys.version_info[:2]
if not (3, 11) <= sys.version_info[:2] <= (3, 14):
    sys.exit("is Python " + version)
try:
    import ensurepip, venv
except ImportError:
    sys.exit("has no venv (Debian and Ubuntu: apt install python" + version + "-venv)")
print(sys.executable)
'
said=
for name in ${1:-python3.14 python3.13 python3.12 python3.11 python3}; do
    if ! command -v "$name" >/dev/null 2>&1; then
        said="$said
  $name: not found"
    elif found=$("$name" -c "$check" 2>&1); then
        echo "$found"
        exit 0
    else
        said="$said
  $name: $(echo "$found" | sed -n '/./{p;q;}')"
    fi
done
echo "mmbench needs Python 3.11 to 3.14 with venv, and looked for:$said
Install one of them, or name one: make PYTHON=/path/to/python3" >&2
exit 3

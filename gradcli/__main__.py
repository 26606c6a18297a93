"""``python -m gradcli``: the same program as the command ``gradcli``."""

import sys

from gradcli.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

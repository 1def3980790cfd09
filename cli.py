"""Command line from a checkout: ``python cli.py run problems/nasbench.py``.

The commands live in ``lamcts/cli/``; an installed copy runs them as ``lamcts``.
"""

from lamcts.__main__ import main

if __name__ == "__main__":
    main()

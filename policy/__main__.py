"""What `pulumi up --policy-pack policy` runs."""

import sys
from pathlib import Path

# The engine runs this folder, and luodi lies beside it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy import stack
from policy.pack import serve

stack.listen()
serve()

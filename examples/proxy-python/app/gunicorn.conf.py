"""Read by gunicorn from its folder. luodi says where to listen."""

import os

bind = f"{os.environ['HOST']}:{os.environ['PORT']}"
workers = 2

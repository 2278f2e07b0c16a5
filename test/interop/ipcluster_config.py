"""Copied to etc/ipython/ of the tests' environment, where `ipcluster` finds it whatever the profile: see ours_plugin.py."""

import json
import os

command = json.loads(os.environ.get("TSPARALLEL_INTEROP_CONTROLLER", "null"))
if command:
    c.ControllerLauncher.controller_cmd = command  # noqa: F821 (`c` is the configuration being read)

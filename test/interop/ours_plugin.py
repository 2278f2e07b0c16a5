"""Lets ipyparallel's own tests start another controller than the package's.

The command comes as a JSON list in TSPARALLEL_INTEROP_CONTROLLER; without it nothing is changed. Tests reach the controller
in two ways: by a list of the launcher module, to which they hold a reference, and by the default of a trait.
`ipcluster` as a process of its own reads the same variable in etc/ipython/ipcluster_config.py of the environment.
"""

import json
import os

from ipyparallel.cluster import launcher

command = json.loads(os.environ.get("TSPARALLEL_INTEROP_CONTROLLER", "null"))
if command:
    launcher.ipcontroller_cmd_argv[:] = command
    launcher.ControllerLauncher.controller_cmd.default_args = (list(command),)

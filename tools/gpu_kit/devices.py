#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The devices that the library sees, as a JSON line: [{"id", "name", "driver", "simulated"}, ...], GPUs first.

usage: devices.py KIT
"""
import json, os, sys

sys.path.insert(0, os.path.join(sys.argv[1], "tests", "support"))
import imbrex

library = imbrex.Library(os.path.join(sys.argv[1], "lib", "libimbrex.so.0"))
found = [{"id": device.id.decode(), "name": device.name.decode(), "driver": device.driver_version,
          "simulated": bool(device.simulated)} for device in library.devices()]
print(json.dumps(sorted(found, key=lambda device: device["simulated"])))

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# lit: runs the RUN lines of tests/**/*.mlir and *.test. Called by ctest with --param build=BUILD_DIR.
import os

import lit.formats

config.name = "imbrex"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["cases"]  # texts that are judged by cases.py
config.test_source_root = os.path.dirname(__file__)
build = lit_config.params["build"]
config.test_exec_root = os.path.join(build, "tests", "lit")
tools = [os.path.join(build, "bin"), lit_config.params["llvm"]]
config.environment["PATH"] = os.pathsep.join(tools + [config.environment["PATH"]])
config.substitutions.append(("%kernels", os.path.join(os.path.dirname(config.test_source_root), "kernels")))

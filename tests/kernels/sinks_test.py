#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What kernels/attention_forward.tile takes and gives by choice: sinks S, row maxima M, weights P, the hook weight; beside
plain Python in f64. The first queries see no key. See runs.py."""
import math, unittest

from runs import Runs, normals

SQ, SK, G, D = 23, 19, 2, 8


class Sinks(Runs):
    FOLDER = "kernels"

    def test_sinks_weights_and_maxima(self):
        hooks = {"mask": "causal", "weight": "where(at.k % 3 == 0, 1.5, 0.5)"}
        for device, settings in self.on_devices(["T=f32"], ["T=f32", "BM=16", "BN=16", "warps=1", "stages=3"], ["T=f16", "BN=32"]):
            type_, limit = settings[0][2:], 1e-5 if settings[0] == "T=f32" else 4e-3
            inputs = {"Q": normals(1, SQ, G, D, type=type_), "K": normals(1, SK, 1, D, type=type_), "V": normals(1, SK, 1, D, type=type_),
                      "S": normals(G)}
            found = self.run_kernel("attention_forward", {"O": 0, "L": 0, "M": 0, "P": 0}, inputs, (), settings, device, hooks)
            q, k, v, sinks = (found["in"][name] for name in "QKVS")
            for h in range(G):
                for i in range(SQ):
                    logits = [sum(q[(i * G + h) * D + d] * k[j * D + d] for d in range(D)) / math.sqrt(D) if j <= i + SK - SQ else -math.inf
                              for j in range(SK)]
                    most = max(logits)
                    top = max(most, sinks[h])
                    lse = top + math.log(sum(math.exp(s - top) for s in logits + [sinks[h]]))
                    weights = [math.exp(s - lse) for s in logits]
                    at = h * SQ + i
                    self.near(found["P"][at * SK:(at + 1) * SK], weights, limit)
                    self.near([found["L"][at]], [lse], limit)
                    if most == -math.inf:
                        self.assertEqual(found["M"][at], -math.inf)
                    else:
                        self.near([found["M"][at]], [most], limit)
                    want = [sum(w * (1.5 if j % 3 == 0 else 0.5) * v[j * D + d] for j, w in enumerate(weights)) for d in range(D)]
                    self.near(found["O"][(i * G + h) * D:(i * G + h + 1) * D], want, limit)


if __name__ == "__main__":
    unittest.main()

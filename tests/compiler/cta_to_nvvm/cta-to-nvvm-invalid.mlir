// RUN: imbrex-opt %s -cta-to-nvvm -verify-diagnostics
// A kernel is lowered once its launch is settled.

// expected-error @+1 {{expected a kernel whose launch is settled: the attribute cta.launch}}
func.func @unsettled() attributes {tile.kernel = #tile.request<"sm_80", warps 1, stages 1>} {
  return
}

//===- Pch.cpp - Carries the shared precompiled header --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Empty: the target that compiles it owns the header that every MLIR source reuses.
//
//===----------------------------------------------------------------------===//

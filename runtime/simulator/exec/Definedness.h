//===- Definedness.h - Bits of registers that nothing wrote -----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which bits of a warp's registers are undefined: loaded from memory that nothing wrote, left open by an
// instruction, or of a register that was never written. They may be moved, stored and thrown away; what
// depends on them is undefined too (Rule in exec/Instruction.h). A branch, an address, a matrix product or an
// output that depends on them is a fault. A warp without any pays one test an instruction.
//
//===----------------------------------------------------------------------===//

//|
//|   ld.shared.u32 %r1, [s+128]    nobody wrote bytes 128 to 131: 32 undefined bits, origin this line
//|   and.b32 %r2, %r1, 0xff        the upper 24 bits of %r2 are 0, the lower 8 undefined
//|   shr.u32 %r3, %r2, 8           all bits of %r3 are defined again
//|   add.u32 %r4, %r2, 1           computed from undefined bits: all of %r4 is undefined
//|   st.global.u32 [out], %r2      a copy: these bytes stay as if nobody had written them
//|   st.global.u32 [out], %r4      a fault: an output depends on undefined bits

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_DEFINEDNESS_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_DEFINEDNESS_H

#include <cstdint>
#include <vector>

namespace imbrex::simulator {

class Definedness {
public:
  static constexpr uint32_t kNeverWritten = ~0u;

  /// A warp begins: everything is defined. `registerBytes` is the size of its register file.
  void begin(size_t registerBytes);
  bool any() const { return slots != 0; }

  /// Lanes in which the register has undefined bits. Predicates are one lane mask.
  uint32_t lanes(uint32_t slot) const { return any() ? undefined[slot >> 2] : 0; }
  /// Of these, the lanes whose value was computed, not only moved.
  uint32_t computedLanes(uint32_t slot) const { return any() ? computed[slot >> 2] : 0; }
  /// The instruction that brought the undefined bits, or kNeverWritten.
  uint32_t origin(uint32_t slot) const { return origins[slot >> 2]; }
  /// A lane's undefined bits, `bytes` wide (0: a predicate).
  uint64_t bits(uint32_t slot, unsigned bytes, unsigned lane) const;

  /// Sets them; 0 makes the lane defined. A register of 16 bytes is undefined as a whole or not at all.
  void set(uint32_t slot, unsigned bytes, unsigned lane, uint64_t bits, bool isComputed, uint32_t origin);
  void define(uint32_t slot, unsigned bytes, uint32_t which) {
    if (any() && (undefined[slot >> 2] & which) != 0)
      clear(slot, bytes, which);
  }
  /// After `shadow` was written by a handler: takes over what it says about these lanes.
  void adopt(uint32_t slot, unsigned bytes, uint32_t which, uint32_t computedLanes, uint32_t origin);

  /// The undefined bits, laid out as the register file. 0 wherever lanes() says defined.
  std::vector<uint8_t> shadow;

private:
  void clear(uint32_t slot, unsigned bytes, uint32_t which);

  std::vector<uint32_t> undefined, computed, origins; ///< [slot / 4]
  unsigned slots = 0;                                 ///< Registers with undefined lanes.
  size_t size = 0;
};

/// All bits of `bytes` bytes (0: a predicate's one).
inline uint64_t allBits(unsigned bytes) {
  return bytes >= 8 ? ~uint64_t(0) : bytes == 0 ? 1 : (uint64_t(1) << (8 * bytes)) - 1;
}

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_DEFINEDNESS_H

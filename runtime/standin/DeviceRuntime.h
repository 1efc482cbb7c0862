//===- DeviceRuntime.h - What stands for libcudadevrt -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVIDIA's device runtime is machine code. Of its functions those of cooperative groups are here as PTX
// (cuda_device_runtime_api.h declares them; numba-cuda synchronises grids by them): a grid's handle is the address of
// the workspace that a cooperative launch hands over, 0 in any other launch, and is refused with cudaErrorInvalidValue.
// The barrier is the one of cooperative_groups/details/sync.h: the first block adds what flips bit 31 once all have
// come. Launches by the device are not here: a kernel that needs one is refused by the missing function's name.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_STANDIN_DEVICERUNTIME_H
#define IMBREX_RUNTIME_STANDIN_DEVICERUNTIME_H

#include <string_view>

namespace imbrex::standin {

/// The name of the library's member, as it stands in the archive.
inline constexpr std::string_view kDeviceRuntimeMember = "cuda_device_runtime";

inline constexpr std::string_view kDeviceRuntime = R"(.version 7.0
.target sm_70
.address_size 64

.visible .func (.param .b64 result) cudaCGGetIntrinsicHandle(.param .b32 scope)
{
  .reg .pred %p;
  .reg .b32 %r<4>;
  .reg .b64 %handle;
  ld.param.u32 %r1, [scope];
  setp.eq.u32 %p, %r1, 1;
  mov.u32 %r2, %envreg1;
  mov.u32 %r3, %envreg2;
  mov.b64 %handle, {%r3, %r2};
  selp.b64 %handle, %handle, 0, %p;
  st.param.b64 [result], %handle;
  ret;
}

.visible .func (.param .b32 result) cudaCGSynchronize(.param .b64 handle, .param .b32 flags)
{
  .reg .pred %p<4>;
  .reg .b32 %r<12>;
  .reg .b64 %workspace;
  ld.param.u64 %workspace, [handle];
  mov.b32 %r1, 1;
  setp.eq.u64 %p1, %workspace, 0;
  @%p1 bra DONE;
  barrier.sync 0;
  mov.u32 %r2, %tid.x;
  mov.u32 %r3, %tid.y;
  mov.u32 %r4, %tid.z;
  or.b32 %r2, %r2, %r3;
  or.b32 %r2, %r2, %r4;
  setp.ne.u32 %p2, %r2, 0;
  @%p2 bra MEET;
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ctaid.y;
  mov.u32 %r4, %ctaid.z;
  or.b32 %r2, %r2, %r3;
  or.b32 %r2, %r2, %r4;
  setp.eq.u32 %p3, %r2, 0;
  mov.u32 %r5, %nctaid.x;
  mov.u32 %r6, %nctaid.y;
  mov.u32 %r7, %nctaid.z;
  mul.lo.u32 %r5, %r5, %r6;
  mul.lo.u32 %r5, %r5, %r7;
  sub.u32 %r5, 0x80000001, %r5;
  selp.b32 %r5, %r5, 1, %p3;
  atom.add.release.gpu.u32 %r8, [%workspace+4], %r5;
WAIT:
  ld.acquire.gpu.u32 %r9, [%workspace+4];
  xor.b32 %r9, %r9, %r8;
  setp.ge.s32 %p3, %r9, 0;
  @%p3 bra WAIT;
MEET:
  barrier.sync 0;
  mov.b32 %r1, 0;
DONE:
  st.param.b32 [result], %r1;
  ret;
}

.visible .func (.param .b32 result) cudaCGSynchronizeGrid(.param .b64 handle, .param .b32 flags)
{
  .reg .b32 %r<3>;
  .reg .b64 %workspace;
  ld.param.u64 %workspace, [handle];
  ld.param.u32 %r1, [flags];
  {
    .param .b64 first;
    .param .b32 second;
    .param .b32 returned;
    st.param.b64 [first], %workspace;
    st.param.b32 [second], %r1;
    call (returned), cudaCGSynchronize, (first, second);
    ld.param.b32 %r2, [returned];
  }
  st.param.b32 [result], %r2;
  ret;
}

.visible .func (.param .b32 result) cudaCGGetSize(.param .b64 threads, .param .b64 grids, .param .b64 handle)
{
  .reg .pred %p<3>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [threads];
  ld.param.u64 %rd2, [grids];
  ld.param.u64 %rd3, [handle];
  mov.b32 %r7, 1;
  setp.eq.u64 %p1, %rd3, 0;
  @%p1 bra DONE;
  mov.u32 %r1, %nctaid.x;
  mov.u32 %r2, %nctaid.y;
  mul.lo.u32 %r1, %r1, %r2;
  mov.u32 %r2, %nctaid.z;
  mul.lo.u32 %r1, %r1, %r2;
  mov.u32 %r2, %ntid.x;
  mul.lo.u32 %r1, %r1, %r2;
  mov.u32 %r2, %ntid.y;
  mul.lo.u32 %r1, %r1, %r2;
  mov.u32 %r2, %ntid.z;
  mul.lo.u32 %r1, %r1, %r2;
  setp.ne.u64 %p2, %rd1, 0;
  @%p2 st.u32 [%rd1], %r1;
  setp.ne.u64 %p2, %rd2, 0;
  @%p2 st.u32 [%rd2], 1;
  mov.b32 %r7, 0;
DONE:
  st.param.b32 [result], %r7;
  ret;
}

.visible .func (.param .b32 result) cudaCGGetRank(.param .b64 thread, .param .b64 grid, .param .b64 handle)
{
  .reg .pred %p<3>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [thread];
  ld.param.u64 %rd2, [grid];
  ld.param.u64 %rd3, [handle];
  mov.b32 %r7, 1;
  setp.eq.u64 %p1, %rd3, 0;
  @%p1 bra DONE;
  mov.u32 %r1, %ctaid.z;
  mov.u32 %r2, %nctaid.y;
  mov.u32 %r3, %ctaid.y;
  mad.lo.u32 %r1, %r1, %r2, %r3;
  mov.u32 %r2, %nctaid.x;
  mov.u32 %r3, %ctaid.x;
  mad.lo.u32 %r1, %r1, %r2, %r3;
  mov.u32 %r2, %ntid.z;
  mov.u32 %r3, %tid.z;
  mad.lo.u32 %r1, %r1, %r2, %r3;
  mov.u32 %r2, %ntid.y;
  mov.u32 %r3, %tid.y;
  mad.lo.u32 %r1, %r1, %r2, %r3;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mad.lo.u32 %r1, %r1, %r2, %r3;
  setp.ne.u64 %p2, %rd1, 0;
  @%p2 st.u32 [%rd1], %r1;
  setp.ne.u64 %p2, %rd2, 0;
  @%p2 st.u32 [%rd2], 0;
  mov.b32 %r7, 0;
DONE:
  st.param.b32 [result], %r7;
  ret;
}
)";

} // namespace imbrex::standin

#endif // IMBREX_RUNTIME_STANDIN_DEVICERUNTIME_H

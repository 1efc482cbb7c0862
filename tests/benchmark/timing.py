# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Time on the GPU, of several candidates side by side. Needs: torch with a GPU.

Every round runs each candidate once, in an order shuffled anew, so that a clock that sinks or another's work meets all
alike. A batch is so many calls that it lasts some milliseconds, between two CUDA events; before it a kernel that sleeps
holds the stream until all calls are queued, so that no time of the host is in it. Calls go round over sets of buffers
that together exceed the L2 cache.
"""
import itertools, random, time
import torch
from context import running
from spread import Numbers

BATCH_SECONDS, MOST_CALLS = 0.005, 200
CYCLES_A_SECOND = 2.0e9  # of the sleeping kernel; no chip's clock is above


def batch(turns, count, hold):
    """(microseconds a call, the host's seconds to queue them, whether the GPU had to wait for the host). `turns`: an
    endless iterator of calls, so that a batch goes on where the last one stopped."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda._sleep(int(hold * CYCLES_A_SECOND))
    begin.record()
    clock = time.perf_counter()
    for call in itertools.islice(turns, count):
        call()
    host = time.perf_counter() - clock
    late = begin.query()
    end.record()
    end.synchronize()
    whole = begin.elapsed_time(end) * 1e-3
    # Late does no harm while the queue never runs empty: the host then takes less than the GPU.
    return whole / count * 1e6, host, late and host > 0.7 * whole


def calibrate(calls):
    """Calls a batch, and the seconds the stream is held while they are queued."""
    for call in calls:
        call()
    torch.cuda.synchronize()
    microseconds, host, _ = batch(itertools.cycle(calls), len(calls), 0.002)
    count = max(1, min(MOST_CALLS, round(BATCH_SECONDS / (microseconds * 1e-6))))
    return count, min(0.05, 2 * host / len(calls) * count + 1e-4)


def measure(candidates, rounds, progress, seed=1):
    """`candidates`: a list of calls (one a set of buffers) by name. Numbers by name; fewer rounds if the time is over.
    What is raised names its candidate (context.running)."""
    plans = {}
    for name, calls in candidates.items():
        with running(name):
            plans[name] = calibrate(calls)
    turns = {name: itertools.cycle(calls) for name, calls in candidates.items()}
    times, late = {name: [] for name in candidates}, dict.fromkeys(candidates, 0)
    progress.measuring()
    order, shuffle = list(candidates), random.Random(seed)
    for done in range(rounds):
        if done >= 3 and progress.over():
            break
        shuffle.shuffle(order)
        for name in order:
            with running(name):
                count, hold = plans[name]
                microseconds, host, waited = batch(turns[name], count, hold)
                if waited:
                    plans[name] = count, min(0.1, 3 * host)
                    microseconds, _, waited = batch(turns[name], *plans[name])
            times[name].append(microseconds)
            late[name] += waited
    return {name: Numbers(times[name], late[name]) for name in candidates}


def sets_beyond_l2(bytes_of_one):
    """How many sets of buffers exceed the L2 cache together, and fit the memory."""
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    wanted = int(2.5 * properties.L2_cache_size // max(1, bytes_of_one)) + 2
    fitting = int(0.15 * properties.total_memory // max(1, bytes_of_one))
    return max(1, min(wanted, fitting, 256))

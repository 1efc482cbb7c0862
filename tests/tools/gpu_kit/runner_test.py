#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kit's runner: what fails, hangs, crashes or is cut off harms nothing else, and is taken up again or not as it should.

usage: runner_test.py SOURCE_DIR      Python's standard library only.
"""
import json, os, signal, subprocess, sys, tempfile, time, unittest

FOLDER = os.path.join(os.path.abspath(sys.argv[1]), "tools", "gpu_kit")
sys.path.insert(0, FOLDER)
import runner
from runner import MORE, TIME_OVER, Runner, Step


def shell(text):
    return ["sh", "-c", text]


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state, self.out = os.path.join(folder.name, "state"), os.path.join(folder.name, "out")
        os.mkdir(self.state)
        os.mkdir(self.out)

    def run_steps(self, steps, seconds=60, healthy=None):
        return Runner("tests", self.state, self.out, seconds, healthy).run(steps)

    def read(self, name):
        with open(os.path.join(self.out, name)) as file:
            return file.read()

    def statuses(self):
        return {entry["step"]: entry["status"] for entry in map(json.loads, self.read("tests-steps.jsonl").splitlines())}

    def test_all_good_is_0(self):
        self.assertEqual(self.run_steps([Step("one", ["true"], 10), Step("two", shell("echo fine"), 10)]), 0)
        self.assertEqual(self.statuses(), {"one": "passed", "two": "passed"})
        self.assertIn("2 passed, 0 failed, 0 left out, 0 not yet, of 2", self.read("tests.txt"))
        self.assertIn("fine", self.read("tests.txt"))

    def test_a_crash_ends_its_step_alone(self):
        self.assertEqual(self.run_steps([Step("crash", shell("echo here; kill -SEGV $$"), 10), Step("next", ["true"], 10)]), 1)
        self.assertEqual(self.statuses(), {"crash": "failed", "next": "passed"})
        self.assertIn("==== crash\nhere", self.read("tests-failures.txt"))

    def test_a_hang_is_killed_with_its_children(self):
        mark = os.path.join(self.state, "alive")
        stubborn = shell("trap '' TERM; setsid sh -c 'sleep 4; touch %s' & while true; do sleep 0.1; done" % mark)
        begin = time.monotonic()
        self.assertEqual(self.run_steps([Step("hang", stubborn, 1), Step("next", ["true"], 10)]), 1)
        self.assertLess(time.monotonic() - begin, 6)
        self.assertEqual(self.statuses(), {"hang": "failed", "next": "passed"})
        time.sleep(4.5 - min(4, time.monotonic() - begin))
        self.assertFalse(os.path.exists(mark), "a grandchild outlived its step")

    def test_what_is_done_is_not_done_again(self):
        count = "echo x >> %s" % os.path.join(self.state, "count")
        steps = [Step("counts", shell(count), 10), Step("fails", shell(count + "; exit 4"), 10)]
        self.assertEqual([self.run_steps(steps), self.run_steps(steps)], [1, 1])
        with open(os.path.join(self.state, "count")) as file:
            self.assertEqual(file.read(), "x\nx\n")

    def test_the_deadline_cuts_off_and_the_next_call_goes_on(self):
        ready = os.path.join(self.state, "ready")
        slow = Step("slow", shell("test -e %s || sleep 60" % ready), 50)
        steps = [Step("quick", ["true"], 10), slow, Step("last", ["true"], 10)]
        self.assertEqual(self.run_steps(steps, seconds=7), MORE)
        self.assertEqual(self.statuses(), {"quick": "passed"})
        self.assertIn("not yet              slow", self.read("tests.txt"))
        open(ready, "w").close()
        self.assertEqual(self.run_steps(steps), 0)

    def test_a_patient_step_says_that_there_is_more(self):
        ready = os.path.join(self.state, "second")
        text = "test {seconds} -lt 60 && if test -e %s; then exit 0; else touch %s; exit %d; fi" % (ready, ready, TIME_OVER)
        step = Step("patient", shell(text), 50, patient=True)
        self.assertEqual(self.run_steps([step]), MORE)
        self.assertEqual(self.run_steps([step]), 0)

    def test_a_patient_step_that_cannot_start_is_left_out(self):
        self.assertEqual(self.run_steps([Step("bench", shell("echo missing: torch; echo bye; exit 2"), 50, patient=True)]), 0)
        self.assertEqual(self.statuses(), {"bench": "left out"})
        self.assertIn("missing: torch", self.read("tests.txt"))
        self.assertEqual(self.run_steps([Step("program", shell("exit 2"), 50)]), 1)

    def test_left_out_is_named_and_no_failure(self):
        self.assertEqual(self.run_steps([Step("gpu", ["false"], 10, left_out="needs a GPU")]), 0)
        self.assertIn("left out     0.0 s  gpu  (needs a GPU)", self.read("tests.txt"))

    def test_a_sick_device_ends_the_run(self):
        steps = [Step("fault", ["false"], 10), Step("next", ["true"], 10)]
        self.assertEqual(self.run_steps(steps, healthy=lambda: "no launch works"), 3)
        self.assertEqual(self.statuses(), {"fault": "failed"})

    def test_results_are_handed_out(self):
        step = Step("writes", shell("echo 1 > numbers.jsonl; exit 1"), 10, results=("numbers.jsonl",))
        self.run_steps([step])
        self.assertEqual(self.read("numbers.jsonl"), "1\n")

    def test_a_torn_journal_is_read_as_far_as_it_goes(self):
        with open(os.path.join(self.state, "tests-steps.jsonl"), "w") as file:
            file.write('{"step": "one", "status": "passed", "seconds": 1, "summary": ""}\n{"step": "tw')
        self.assertEqual(self.run_steps([Step("one", ["false"], 10), Step("two", ["true"], 10)]), 0)

    def test_a_missing_program_is_a_failure(self):
        self.assertEqual(self.run_steps([Step("nothing", ["/nowhere/program"], 10)]), 1)

    def test_interrupted_and_resumed(self):
        script = ("import sys; sys.path.insert(0, %r)\nfrom runner import *\n"
                  "steps = [Step('one', ['true'], 9), Step('two', ['sh', '-c', 'echo $$ > pid; test -e go || sleep 50'], 60)]\n"
                  "sys.exit(Runner('tests', %r, %r, 100).run(steps))" % (FOLDER, self.state, self.out))
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        pid = os.path.join(self.state, "pid")
        while not os.path.exists(pid) or not os.path.getsize(pid):
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        told, _ = child.communicate(timeout=10)
        self.assertEqual(child.returncode, 130)
        self.assertIn("interrupted", told)
        with open(pid) as file, self.assertRaises(ProcessLookupError):
            os.kill(int(file.read()), 0)
        open(os.path.join(self.state, "go"), "w").close()
        again = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        self.assertEqual(again.returncode, 0)
        self.assertIn("going on: 1 of 2", again.stdout)

    def test_something_is_said_while_a_step_is_silent(self):
        self.addCleanup(setattr, runner, "HEARTBEAT", runner.HEARTBEAT)
        runner.HEARTBEAT = 0.2
        said = []
        quiet = Runner("tests", self.state, self.out, 60)
        quiet.say = said.append
        quiet.run([Step("silent", ["sleep", "0.7"], 10)])
        self.assertGreaterEqual(sum("silent ..." in line for line in said), 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

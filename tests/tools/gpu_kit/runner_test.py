#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kit's runner: what fails, hangs, crashes or is cut off harms nothing else, and is taken up again or not as it should.

usage: runner_test.py SOURCE_DIR      Python's standard library only.
"""
import contextlib, errno, io, json, os, signal, subprocess, sys, tempfile, time, unittest, unittest.mock

FOLDER = os.path.join(os.path.abspath(sys.argv[1]), "tools", "gpu_kit")
sys.path.insert(0, FOLDER)
import out, processes, state
from out import Out
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

    def runner(self, seconds=60, healthy=None, **options):
        return Runner("tests", self.state, Out(self.out, print), seconds, healthy, **options)

    def run_steps(self, steps, seconds=60, healthy=None, **options):
        return self.runner(seconds, healthy, **options).run(steps)

    def read(self, name):
        with open(os.path.join(self.out, name)) as file:
            return file.read()

    def statuses(self):
        lines = map(json.loads, self.read("tests-steps.jsonl").splitlines())
        return {entry["step"]: entry["status"] for entry in lines if "step" in entry}

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
        self.assertEqual(self.run_steps(steps, seconds=9.5), MORE)
        self.assertEqual(self.statuses(), {"quick": "passed"})
        self.assertIn("not yet              slow", self.read("tests.txt"))
        open(ready, "w").close()
        self.assertEqual(self.run_steps(steps), 0)

    def test_a_step_that_resumes_says_that_there_is_more(self):
        ready = os.path.join(self.state, "second")
        text = "test $1 -lt 60 && if test -e %s; then exit 0; else touch %s; exit %d; fi" % (ready, ready, TIME_OVER)
        steps = [Step("resumes", [*shell(text), "-", "{seconds}"], 50, resumes=True), Step("needs_it", ["test", "-e", ready], 10)]
        self.assertEqual(self.run_steps(steps), MORE)
        self.assertEqual(self.statuses(), {}, "what follows ran before it was done")
        self.assertEqual(self.run_steps(steps), 0)

    def test_a_step_that_resumes_and_overruns_has_more_to_do(self):
        """Whatever its limit: it is no failure, and is taken up again."""
        step = Step("bench", shell("echo x >> lines; test $(wc -l < lines) = 2 || sleep 60"), 2, resumes=True)
        self.assertEqual(self.run_steps([step]), MORE)
        self.assertEqual(self.statuses(), {})
        self.assertEqual(self.run_steps([step]), 0)
        self.assertEqual(self.run_steps([Step("program", ["sleep", "60"], 1)]), 1)

    def test_seconds_are_a_word_of_their_own_with_slack(self):
        step = Step("told", shell("echo $0 {seconds}")[:2] + ["echo $0 $1", "{seconds}", "a{seconds}b"], 100)
        self.run_steps([step], seconds=200)
        self.assertIn("  (75 a{seconds}b)", self.read("tests.txt"))

    def test_what_is_missing_by_name_is_left_out(self):
        self.assertEqual(self.run_steps([Step("bench", shell("echo missing: torch; echo bye; exit 2"), 50)]), 0)
        self.assertEqual(self.statuses(), {"bench": "left out"})
        self.assertIn("missing: torch", self.read("tests.txt"))
        self.assertEqual(self.run_steps([Step("program", shell("echo no library; exit 2"), 50, resumes=True)]), 1)

    def test_a_step_that_shows_no_work_fails(self):
        steps = [Step("none", shell("echo 0 tests ran"), 10, shows="^[1-9] tests? ran"),
                 Step("some", shell("echo begin; echo 3 tests ran; echo end"), 10, shows="^[1-9] tests? ran")]
        self.assertEqual(self.run_steps(steps), 1)
        self.assertEqual(self.statuses(), {"none": "failed", "some": "passed"})

    def test_retry_runs_failed_steps_again(self):
        steps = [Step("one", shell("echo x >> ones"), 10), Step("two", shell("test -e go"), 10)]
        self.assertEqual(self.run_steps(steps), 1)
        open(os.path.join(self.state, "go"), "w").close()
        self.assertEqual([self.run_steps(steps), self.run_steps(steps, retry=True), self.run_steps(steps)], [1, 0, 0])
        self.assertEqual(os.path.getsize(os.path.join(self.state, "ones")), 2)

    def test_left_out_is_named_and_no_failure(self):
        self.assertEqual(self.run_steps([Step("gpu", ["false"], 10, left_out="needs a GPU")]), 0)
        self.assertIn("left out     0.0 s  gpu  (needs a GPU)", self.read("tests.txt"))

    def test_a_sick_device_ends_the_run(self):
        steps = [Step("fault", ["false"], 10), Step("next", ["true"], 10)]
        self.assertEqual(self.run_steps(steps, healthy=lambda seconds: "no launch works"), 3)
        self.assertEqual(self.statuses(), {"fault": "failed"})

    def test_health_is_asked_within_the_time_left(self):
        asked = []
        for seconds in (100, 30, 9.5):
            self.run_steps([Step("fault at %g" % seconds, ["false"], 5)], seconds, lambda time: asked.append(round(time)) or "")
        self.assertEqual(asked, [40, 30])

    def test_results_are_handed_out(self):
        self.run_steps([Step("writes", shell("echo 1 > numbers.jsonl; exit 1"), 10)], results=("numbers.jsonl",))
        self.assertEqual(self.read("numbers.jsonl"), "1\n")

    def test_results_are_handed_out_while_a_step_runs(self):
        self.addCleanup(setattr, processes, "HEARTBEAT", processes.HEARTBEAT)
        processes.HEARTBEAT = 0.2
        looks = "echo 1 > numbers.jsonl; sleep 1; cat %s/numbers.jsonl && grep -q 'not yet *looks' %s/tests.txt" % (self.out, self.out)
        self.assertEqual(self.run_steps([Step("looks", shell(looks), 10)], results=("numbers.jsonl",)), 0)

    def test_a_damaged_journal_is_read_as_far_as_it_goes(self):
        path = os.path.join(self.state, "tests-steps.jsonl")
        good = b'{"step": "one", "status": "passed", "seconds": 1, "summary": ""}\n'
        with open(path, "wb") as file:
            file.write(good + b'\xff\xfe\n{"step": "two"}\n[1]\n{"step": "two", "status": 4, "seconds": 1, "summary": ""}\n{"step": "tw')
        self.assertEqual(self.run_steps([Step("one", ["false"], 10), Step("two", ["true"], 10)]), 0)
        self.assertEqual(self.run_steps([Step("one", ["false"], 10), Step("two", ["false"], 10)]), 0, "a line was glued to the torn one")

    def test_what_an_earlier_run_left_running_is_ended(self):
        script = ("import sys; sys.path.insert(0, %r)\nfrom runner import *\nfrom out import Out\n"
                  "Runner('tests', %r, Out(%r, print), 100).run([Step('one', ['sh', '-c', 'echo $$ > pid; sleep 50'], 60)])"
                  % (FOLDER, self.state, self.out))
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL)
        orphan = int(self.wait_for(os.path.join(self.state, "pid")))
        child.kill()
        child.wait()
        os.kill(orphan, 0)
        alone = "sleep 0.2; ! grep -q ') [^Z]' /proc/%d/stat" % orphan
        self.assertEqual(self.run_steps([Step("two", shell(alone), 5)]), 0, "it ran beside the next step")

    @staticmethod
    def wait_for(path):
        while not os.path.exists(path) or not os.path.getsize(path):
            time.sleep(0.05)
        with open(path) as file:
            return file.read()

    @staticmethod
    def has_ended(pid):
        """Gone, or not yet waited for by whoever inherited it."""
        for _ in range(100):
            try:
                with open("/proc/%d/stat" % pid) as file:
                    if file.read().rpartition(")")[2].split()[0] == "Z":
                        return True
            except OSError:
                return True
            time.sleep(0.02)
        return False

    def test_interrupted_while_a_step_starts(self):
        started, start = [], subprocess.Popen

        def interrupted(*words, **options):
            started.append(start(*words, **options))
            raise processes.Interrupted(signal.SIGINT)

        with unittest.mock.patch.object(subprocess, "Popen", interrupted):
            self.assertEqual(self.run_steps([Step("one", ["sleep", "50"], 60)]), 130)
        self.assertTrue(self.has_ended(started[0].pid))
        started[0].wait()

    def test_a_missing_program_is_a_failure(self):
        self.assertEqual(self.run_steps([Step("nothing", ["/nowhere/program"], 10)]), 1)

    def test_interrupted_and_resumed(self):
        script = ("import sys; sys.path.insert(0, %r)\nfrom runner import *\nfrom out import Out\n"
                  "steps = [Step('one', ['true'], 9), Step('two', ['sh', '-c', 'echo 1 > n.jsonl; echo $$ > pid; test -e go || sleep 50'], 60)]\n"
                  "sys.exit(Runner('tests', %r, Out(%r, print), 100, results=['n.jsonl']).run(steps))" % (FOLDER, self.state, self.out))
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        pid = self.wait_for(os.path.join(self.state, "pid"))
        child.send_signal(signal.SIGINT)
        told, _ = child.communicate(timeout=10)
        self.assertEqual(child.returncode, 130)
        self.assertIn("interrupted", told)
        self.assertTrue(self.has_ended(int(pid)))
        self.assertEqual(self.read("n.jsonl"), "1\n")
        self.assertIn("not yet              two", self.read("tests.txt"))
        open(os.path.join(self.state, "go"), "w").close()
        again = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        self.assertEqual(again.returncode, 0)
        self.assertIn("going on: 1 of 2", again.stdout)

    def test_something_is_said_while_a_step_is_silent(self):
        self.addCleanup(setattr, processes, "HEARTBEAT", processes.HEARTBEAT)
        processes.HEARTBEAT = 0.2
        said = []
        quiet = self.runner()
        quiet.say = said.append
        quiet.run([Step("silent", ["sleep", "0.7"], 10)])
        self.assertGreaterEqual(sum("silent ..." in line for line in said), 2)
        said.clear()
        self.assertEqual(processes.ask(shell("echo yes; sleep 0.7; exit 3"), 10, said.append, "a question"), (3, "yes\n"))
        self.assertGreaterEqual(said.count("a question ..."), 2)
        self.assertEqual(processes.ask(["sleep", "50"], 0.3, said.append, "a question"), (None, ""))


class Outs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.said = folder.name, []

    def test_a_pack_holds_everything_and_is_read_back(self):
        self.addCleanup(setattr, out, "PACK_SECONDS", out.PACK_SECONDS)
        out.PACK_SECONDS = 0.2
        packed = Out(self.folder, self.said.append, packed=True)
        for number in range(20):
            packed.put("%d.txt" % number, b"x%d" % number)
        self.assertEqual(os.listdir(self.folder), [])
        time.sleep(0.3)
        packed.put("0.txt", b"new")
        self.assertEqual(os.listdir(self.folder), [out.PACK], "not written while the run goes on")
        packed.put("1.txt", b"newer")
        packed.flush()
        names = ["0.txt", "1.txt", "19.txt", "20.txt"]
        found = out.read_back(os.path.join(self.folder, out.PACK), names)
        self.assertEqual(found, {"0.txt": b"new", "1.txt": b"newer", "19.txt": b"x19"})

    def test_what_cannot_be_written_is_said_once_and_the_run_goes_on(self):
        handed = Out(self.folder, self.said.append)
        os.mkdir(os.path.join(self.folder, "taken"))
        handed.put("taken", b"1")
        handed.put("taken", b"2")
        handed.put("free", b"3")
        self.assertEqual(sorted(os.listdir(self.folder)), ["free", "taken"], "a part is left")
        self.assertEqual(len(self.said), 1)
        self.assertIn("taken is not handed out", self.said[0])

    def test_a_full_disk_is_told_at_the_start(self):
        def full(path, content):
            raise OSError(errno.ENOSPC, "No space left on device")
        self.addCleanup(setattr, out, "write_whole", out.write_whole)
        out.write_whole = full
        with self.assertRaises(OSError):
            Out(self.folder, self.said.append)


class States(unittest.TestCase):
    """What an earlier call did is taken for done on the same device with the same kit, and nowhere else."""
    HERE = {"device": "cuda:0", "name": "A", "driver": 1, "kit": "abc"}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.base, self.out, self.said = os.path.join(folder.name, "base"), os.path.join(folder.name, "out"), []

    def run_on(self, on, **options):
        """The exit code, and whether the step ran."""
        lock = state.open_base(self.base)
        folder = state.prepare(self.base, "tests", on, ["numbers"], self.said.append, **options)
        counted = os.path.join(folder, "numbers")
        before = os.path.getsize(counted) if os.path.exists(counted) else 0
        with contextlib.redirect_stdout(io.StringIO()):
            code = Runner("tests", folder, Out(self.out, print), 60, on=on, results=["numbers"]).run([Step("one", shell("echo x >> numbers"), 9)])
        lock.close()
        return code, os.path.getsize(counted) > before

    def test_another_device_or_kit_begins_anew(self):
        self.assertEqual(self.run_on(self.HERE), (0, True))
        self.assertEqual(self.run_on(self.HERE), (0, False))
        for field, value in (("device", "sim:h200"), ("name", "B"), ("driver", 2), ("kit", "abd")):
            self.said.clear()
            self.assertEqual(self.run_on(dict(self.HERE, **{field: value})), (0, True), field)
            self.assertIn("begun anew", self.said[0])
        self.assertIn("tests.old4", os.listdir(self.base))

    def test_resume_takes_the_journal_and_results_alone(self):
        self.run_on(self.HERE)
        os.mkdir(os.path.join(self.out, "a folder"))
        open(os.path.join(self.out, "other"), "w").close()
        os.chmod(os.path.join(self.out, "numbers"), 0o400)
        self.base += "2"
        self.assertEqual(self.run_on(self.HERE, resume=self.out), (0, False))
        self.assertEqual(sorted(os.listdir(os.path.join(self.base, "tests"))), ["numbers", "tests-steps.jsonl"])
        self.base += "3"
        self.assertEqual(self.run_on(dict(self.HERE, kit="abd"), resume=self.out), (0, True))
        self.assertIn("begun anew", self.said[-1])

    def test_resume_of_nothing_is_refused_in_a_line(self):
        for path in ("/nowhere", __file__):
            with state.open_base(self.base), self.assertRaises(state.Refused):
                state.prepare(self.base, "tests", self.HERE, [], self.said.append, resume=path)

    def test_a_state_is_one_run_s_alone(self):
        lock = state.open_base(self.base)
        with self.assertRaises(state.Refused):
            state.open_base(self.base)
        lock.close()
        state.open_base(self.base).close()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

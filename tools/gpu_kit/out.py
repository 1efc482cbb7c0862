# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What leaves the machine: some small files in one folder, each whole at any moment. Packed, they are one file."""
import io, os, tarfile, time

FILES = 8  # at most
PACK = "kit.tar.gz"
PACK_SECONDS = 20.0  # at least between two writings of the pack


class Out:
    def __init__(self, folder, say, packed=False):
        """OSError if nothing can be written there. Later such a failure is said, and the run goes on."""
        self.folder, self.say, self.packed = folder, say, packed
        self.contents, self.complaints = {}, set()
        self.changed, self.wrote = False, time.monotonic()
        os.makedirs(folder, exist_ok=True)
        write_whole(os.path.join(folder, "probe"), b"x" * 4096)
        os.remove(os.path.join(folder, "probe"))

    def put(self, name, content):
        if self.contents.get(name) == content:
            return
        if self.packed:
            self.contents[name], self.changed = content, True
            if time.monotonic() - self.wrote >= PACK_SECONDS:
                self.flush()
        elif self._write(name, content):
            self.contents[name] = content
            assert len(self.contents) <= FILES, "too many files to hand out"

    def put_file(self, path):
        """A file under its own name, if it is there."""
        if os.path.exists(path):
            with open(path, "rb") as file:
                self.put(os.path.basename(path), file.read())

    def flush(self):
        if not (self.packed and self.changed):
            return
        self.wrote = time.monotonic()
        pack = io.BytesIO()
        with tarfile.open(fileobj=pack, mode="w:gz", compresslevel=1) as tar:
            for name, content in sorted(self.contents.items()):
                member = tarfile.TarInfo(name)
                member.size, member.mtime = len(content), int(time.time())
                tar.addfile(member, io.BytesIO(content))
        self.changed = not self._write(PACK, pack.getvalue())

    def _write(self, name, content):
        try:
            write_whole(os.path.join(self.folder, name), content)
            return True
        except OSError as error:
            if (name, error.errno) not in self.complaints:
                self.complaints.add((name, error.errno))
                self.say("%s is not handed out: %s" % (name, error))
            return False


def write_whole(path, content):
    """Written beside and renamed: the file is never seen half."""
    beside = path + ".part"
    try:
        with open(beside, "wb") as file:
            file.write(content)
        os.replace(beside, path)
    except OSError:
        if os.path.exists(beside):
            os.remove(beside)
        raise


def read_back(path, names):
    """Of what an earlier run handed out, a folder or its pack: content by name, for those of `names` that are regular
    files. OSError or tarfile.TarError if it cannot be read."""
    found = {}
    if os.path.isdir(path):
        for name in names:
            file_path = os.path.join(path, name)
            if os.path.isfile(file_path):
                with open(file_path, "rb") as file:
                    found[name] = file.read()
        return found
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and member.name in names:
                found[member.name] = tar.extractfile(member).read()
    return found

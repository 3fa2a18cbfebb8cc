"""Runs the example programs the way a person does: types lines, reads lines, looks at the exit code."""

import re
import subprocess
import threading

# A busy machine with sanitizers is slow; nothing waits this long when it works.
PATIENCE = 60


class Failed(Exception):
    pass


class Program:
    """One running program. Its two outputs are read as one list of lines."""

    def __init__(self, name, *command, stdin=subprocess.PIPE, preexec=None):
        self.name = name
        self.lines = []
        self.news = threading.Condition()
        self.ended = False
        # Python ignores SIGXFSZ and SIGPIPE; programs get the usual treatment unless a test wants that.
        self.process = subprocess.Popen([str(part) for part in command], stdin=stdin, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=preexec, restore_signals=preexec is None)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def expect(self, pattern, patience=PATIENCE):
        """The first line, since the start, that matches."""
        def found():
            return next((line for line in self.lines if re.search(pattern, line)), None)
        with self.news:
            self.news.wait_for(lambda: found() is not None or self.ended, patience)
            line = found()
        if line is None:
            raise Failed(f"{self.name} {'ended without' if self.ended else 'does not show'} {pattern!r}")
        return line

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def expect_exit(self, code, patience=PATIENCE):
        try:
            ended_with = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} does not end") from None
        self.reader.join(PATIENCE)
        if ended_with != code:
            raise Failed(f"{self.name} ended with exit code {ended_with}, not {code}")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(PATIENCE)

    def transcript(self):
        return "\n".join(f"[{self.name}] {line}" for line in self.lines)

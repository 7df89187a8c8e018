#!/usr/bin/env python3
"""The lab's SSM agent: asks the endpoint for commands, runs each in a process group of its own as the agent's user,
and brings the result back. Commands outlive the agent: a restarted agent finds them again by their folder.

    agent.py --url URL --instance i-... --region R --state FOLDER [--reboot COMMAND]

A command's folder holds: message (what to run), process (pid and start time), exit (the code, written by the shell
around it), out, err, and reboots (how often exit code 194 asked for one).
"""
import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

OUTPUT_CHARACTERS_MAX = 24_001  # one more than is shown, so that the endpoint sees that there is more
REBOOT_EXIT_CODE = 194
REBOOTS_MAX = 3
AROUND = '"$1"; code=$?; echo $code >"$2.new" && mv "$2.new" "$2"'


class Agent:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.held = {}  # command id -> event that stops it
        os.makedirs(options.state, mode=0o700, exist_ok=True)

    def ask(self, question, **body):
        """One request, repeated until it is answered. Every question may be asked twice."""
        data = json.dumps({"instanceId": self.options.instance, **body}).encode()
        while True:
            try:
                request = urllib.request.Request(
                    f"{self.options.url}/_lab/agent/{question}", data, {"Content-Type": "application/json"}
                )
                with urllib.request.urlopen(request, timeout=15) as reply:
                    return json.load(reply)
            except (OSError, ValueError):
                time.sleep(0.5)

    def serve(self):
        for command in sorted(os.listdir(self.options.state)):
            self.take(command, None)
        about = {
            "agentVersion": "3.3.0.0",
            "platform": {"name": distribution("NAME"), "version": distribution("VERSION_ID"), "computerName": platform.node()},
        }
        while True:
            with self.lock:
                holds = list(self.held)
                stops = [command for command, stop in self.held.items() if stop.is_set()]
            reply = self.ask("poll", holds=holds, stops=stops, **about)
            for message in reply.get("messages", []):
                if message["kind"] == "run":
                    self.take(message["commandId"], message)
                elif message["kind"] == "stop":
                    self.stop(message["commandId"])

    def take(self, command, message):
        with self.lock:
            if command in self.held:
                return
            self.held[command] = threading.Event()
        threading.Thread(target=self.carry_out, args=(command, message), daemon=True).start()

    def stop(self, command):
        with self.lock:
            event = self.held.get(command)
        if event is None:  # nothing is known of it here: say so, or it would be cancelling for ever
            self.ask("finished", commandId=command, outcome="stopped", exitCode=-1)
        else:
            event.set()

    def carry_out(self, command, message):
        folder = os.path.join(self.options.state, command)
        try:
            self.run(command, folder, message)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with self.lock:
                del self.held[command]

    def run(self, command, folder, message):
        if message is not None:
            if not self.ask("started", commandId=command).get("proceed"):
                return
            os.makedirs(folder, mode=0o700, exist_ok=True)
            write(os.path.join(folder, "message"), json.dumps({**message, "endAt": time.time() + message["executionTimeoutSeconds"]}))
        try:
            message = json.loads(read(os.path.join(folder, "message")))
        except (OSError, ValueError):
            return
        while True:
            if not os.path.exists(os.path.join(folder, "process")):
                try:
                    self.start(folder, message)
                except OSError as error:
                    self.ask("finished", commandId=command, outcome="exited", exitCode=1, stdout="", stderr=str(error))
                    return
            outcome, code = self.watch(folder, message["endAt"], self.held[command])
            if outcome != "exited" or code != REBOOT_EXIT_CODE or not self.reboot(folder):
                break
        self.ask("finished", commandId=command, outcome=outcome, exitCode=code, stdout=output(folder, "out"), stderr=output(folder, "err"))

    def start(self, folder, message):
        script = os.path.join(folder, "_script.sh")
        write(script, message["script"] + "\n")
        os.chmod(script, 0o700)
        environment = {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "AWS_SSM_INSTANCE_ID": self.options.instance,
            "AWS_SSM_REGION_NAME": self.options.region,
        }
        with open(os.path.join(folder, "out"), "ab") as out, open(os.path.join(folder, "err"), "ab") as err:
            process = subprocess.Popen(
                ["/bin/sh", "-c", AROUND, "belay-lab-command", script, os.path.join(folder, "exit")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=message["workingDirectory"] or folder,
                env=environment,
                start_new_session=True,
            )
        threading.Thread(target=process.wait, daemon=True).start()
        write(os.path.join(folder, "process"), f"{process.pid} {started_at(process.pid)}")

    def watch(self, folder, end_at, stop):
        """Waits for the end, or makes one. Returns the outcome and the exit code."""
        pid, started = read(os.path.join(folder, "process")).split(" ", 1)
        pause = 0.01
        while True:
            lives = started_at(int(pid)) == started
            try:
                return "exited", int(read(os.path.join(folder, "exit")))
            except (OSError, ValueError):
                pass
            if not lives:
                with open(os.path.join(folder, "err"), "a") as err:
                    err.write("document process failed unexpectedly: the command is gone and left no exit code\n")
                return "exited", -1
            if stop.is_set() or time.time() >= end_at:
                try:
                    os.killpg(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
                return ("stopped" if stop.is_set() else "timedOut"), 137
            stop.wait(min(pause, max(0.0, end_at - time.time())))
            pause = min(pause * 1.5, 0.2)

    def reboot(self, folder):
        """Exit code 194: the host reboots, and the command runs again from its start. False when it asks too often."""
        counter = os.path.join(folder, "reboots")
        count = int(read(counter)) + 1 if os.path.exists(counter) else 1
        if count > REBOOTS_MAX:
            return False
        write(counter, str(count))
        os.unlink(os.path.join(folder, "exit"))
        os.unlink(os.path.join(folder, "process"))
        os.sync()
        if self.options.reboot:
            subprocess.run(self.options.reboot, shell=True, check=False)
            time.sleep(600)  # the host goes down; the agent that boots next finds the folder
        return True


def started_at(pid):
    """When the process began, in clock ticks since boot; empty when there is none."""
    try:
        after_name = read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
        return "" if after_name[0] == "Z" else after_name[19]
    except OSError:
        return ""


def output(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read(OUTPUT_CHARACTERS_MAX)
    except OSError:
        return ""


def distribution(key):
    try:
        for line in read("/etc/os-release").splitlines():
            if line.startswith(key + "="):
                return line.split("=", 1)[1].strip('"')
    except OSError:
        pass
    return ""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


parser = argparse.ArgumentParser()
parser.add_argument("--url", required=True)
parser.add_argument("--instance", required=True)
parser.add_argument("--region", required=True)
parser.add_argument("--state", required=True)
parser.add_argument("--reboot", default="")
Agent(parser.parse_args()).serve()

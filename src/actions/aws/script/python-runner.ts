/**
 * The Python program around a script of a runbook. It reads one line of JSON (`Job` in launch.ts) from standard input and
 * prints one line of JSON (`Report` in report.ts) to standard output, whatever the script does to its own streams: the script
 * runs in a process of its own, and what it and its children print goes to standard error, bounded.
 *
 * Written for Python 3.6 and later.
 */

/** Given to `python -c`; the rest comes over standard input, so that no argument list shows any of it. */
export const pythonLoader =
  'import sys,json;j=json.loads(sys.stdin.buffer.read().decode());exec(compile(j["runner"],"<belay>","exec"),{"job":j})';

export const pythonRunner = String.raw`
import base64, io, json, os, select, signal, sys, time, traceback

REPORT_BYTES_MAX = job["reportBytesMax"]
EXACT_MAX = 2 ** 53 - 1
DEPTH_MAX = 100
FRAMES_MAX = 20
TEXT_MAX = 4000

class Unfit(Exception):
    def __init__(self, path, why):
        Exception.__init__(self, why)
        self.path, self.why = path, why

def cut(text):
    text = str(text)
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "..."

# A value as JSON has it. Whole numbers that JavaScript cannot hold exactly become their digits.
def fit(value, path, depth, told):
    if depth > DEPTH_MAX:
        raise Unfit(path, "is nested more than %d deep" % DEPTH_MAX)
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        if abs(value) > EXACT_MAX:
            told.append(path)
            return str(int(value))
        return int(value)
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise Unfit(path, "is %r, which JSON does not have" % float(value))
        return float(value)
    if isinstance(value, dict):
        found = {}
        for key, item in value.items():
            if isinstance(key, bool) or key is None:
                name = {True: "true", False: "false", None: "null"}[key]
            elif isinstance(key, (str, int, float)):
                name = str(key)
            else:
                raise Unfit(path, "has a key of the type %s" % type(key).__name__)
            found[name] = fit(item, path + "." + name if name.isidentifier() else path + "[" + json.dumps(name) + "]", depth + 1, told)
        return found
    if isinstance(value, (list, tuple)):
        return [fit(item, "%s[%d]" % (path, at), depth + 1, told) for at, item in enumerate(value)]
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else kind.__module__ + "." + kind.__name__
    raise Unfit(path, "is a %s, which JSON does not have" % name)

def place(frame, folder):
    name = frame.filename
    own = os.path.join(folder, "customer_script.py")
    return {
        "file": "Script" if name == own else os.path.relpath(name, folder) if name.startswith(folder + os.sep) else name,
        "isOwn": name.startswith(folder + os.sep),
        "line": frame.lineno or 0,
        "name": frame.name,
        "text": cut(frame.line or ""),
    }

def is_not_theirs(name):
    return name == "<belay>" or name.startswith("<frozen ")

def failure_of(error, folder):
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not is_not_theirs(f.filename)]
    told = [place(f, folder) for f in frames]
    try:
        message = cut(error)
    except BaseException:
        message = "(its text cannot be told)"
    report = {"kind": "raised", "type": type(error).__name__, "message": message, "frames": told[-FRAMES_MAX:]}
    if isinstance(error, SyntaxError):
        own = os.path.join(folder, "customer_script.py")
        shown = "Script" if error.filename == own else os.path.relpath(error.filename or "", folder) if (error.filename or "").startswith(folder + os.sep) else error.filename
        report["message"] = cut(error.msg)
        report["frames"] = [{"file": shown or "?", "isOwn": True, "line": error.lineno or 0, "name": "<module>", "text": cut((error.text or "").strip())}]
    if isinstance(error, ModuleNotFoundError) and error.name:
        report["missing"] = str(error.name)
    return report

def unpack(folder, attachment):
    import zipfile
    name, limits = attachment["name"], attachment["limits"]
    data = base64.b64decode(attachment["bytes"])
    if not name.lower().endswith(".zip"):
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)
        return
    root = os.path.realpath(folder)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > limits["files"]:
            raise Unfit(name, "holds %d files, and at most %d are unpacked" % (len(entries), limits["files"]))
        if sum(e.file_size for e in entries) > limits["bytes"]:
            raise Unfit(name, "would be more than %d bytes unpacked" % limits["bytes"])
        left = limits["bytes"]
        for entry in entries:
            path = entry.filename
            if "\\" in path or "\0" in path or path.startswith("/") or ".." in path.split("/") or (entry.external_attr >> 16) & 0o170000 == 0o120000:
                raise Unfit(name, "holds %r, which would leave its folder" % cut(path))
            target = os.path.join(root, path)
            if entry.is_dir():
                os.makedirs(target, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with archive.open(entry) as source, open(target, "wb") as out:
                while True:
                    chunk = source.read(65536)
                    if not chunk:
                        break
                    left -= len(chunk)
                    if left < 0:
                        raise Unfit(name, "is more than %d bytes unpacked" % limits["bytes"])
                    out.write(chunk)

def load(folder):
    import importlib, importlib.util
    handler = job["handler"]
    module = None
    if job["script"] is not None:
        path = os.path.join(folder, "customer_script.py")
        with io.open(path, "w", encoding="utf-8", errors="surrogatepass", newline="") as out:
            out.write(job["script"])
        spec = importlib.util.spec_from_file_location("customer_script", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules["customer_script"] = module
        spec.loader.exec_module(module)
    parts = handler.split(".")
    if len(parts) > 1 and job["attachment"] is not None:
        module = importlib.import_module(".".join(parts[:-1]))
        parts = parts[-1:]
    elif module is None:
        stem = job["attachment"]["name"].rsplit(".", 1)[0]
        module = importlib.import_module(stem)
    found = module
    for part in parts:
        found = getattr(found, part, None)
    if not callable(found):
        functions = sorted(n for n, v in vars(module).items() if callable(v) and getattr(v, "__module__", None) == module.__name__)
        return None, {"kind": "noHandler", "module": module.__name__, "functions": functions[:20]}
    return found, None

def limit_all():
    try:
        import resource
    except ImportError:
        return
    for name, value in job["limits"].items():
        which = getattr(resource, name, None)
        if which is None:
            continue
        hard = resource.getrlimit(which)[1]
        if hard != resource.RLIM_INFINITY and hard < value:
            value = hard
        try:
            resource.setrlimit(which, (value, value))
        except (ValueError, OSError):
            pass

def child(report_fd, folder):
    me = os.getpid()
    for name, value in job["env"].items():
        os.environ[name] = value
    limit_all()
    report = None
    try:
        sys.path[:0] = [folder]
        for path in job["modulePaths"]:
            if path not in sys.path:
                sys.path.append(path)
        try:
            if job["attachment"] is not None:
                unpack(folder, job["attachment"])
        except Unfit as error:
            report = {"kind": "attachment", "message": "%s %s" % (error.path, error.why)}
        except Exception as error:
            report = {"kind": "attachment", "message": "%s cannot be unpacked: %s" % (job["attachment"]["name"], cut(error))}
        events = job["events"]
        if report is None:
            call, report = load(folder)
        if report is None:
            value = call(events, {})
            told = []
            try:
                text = json.dumps(fit(value, "$", 0, told))
                report = {"kind": "returned", "payload": text, "digits": told[:20]}
                if len(text) > job["payloadBytesMax"]:
                    report = {"kind": "tooLarge", "bytes": len(text)}
            except Unfit as error:
                report = {"kind": "unfit", "path": cut(error.path), "why": cut(error.why)}
    except SystemExit as error:
        report = {"kind": "exited", "code": error.code if isinstance(error.code, int) else cut(error.code) if error.code is not None else 0}
    except BaseException as error:
        if os.getpid() == me:
            report = failure_of(error, folder)
            try:
                sys.stderr.flush()
                trace = error.__traceback__
                while trace is not None and is_not_theirs(trace.tb_frame.f_code.co_filename):
                    trace = trace.tb_next
                shown = "".join(traceback.format_exception(type(error), error, trace))
                os.write(2, shown[-60000:].encode("utf-8", "backslashreplace"))
            except BaseException:
                pass
    # A process that the script forked, and that came back here, is none of those that are waited for.
    if os.getpid() != me:
        os._exit(0)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    data = json.dumps(report).encode("ascii")
    while data:
        data = data[os.write(report_fd, data):]
    os._exit(0)

# Passes on what is printed: secrets masked also where they come in two pieces, and no more than the bound.
class Log(object):
    def __init__(self, secrets, most):
        self.secrets = sorted((s.encode("utf-8") for s in secrets if s), key=len, reverse=True)
        self.left, self.dropped, self.held = most, 0, b""

    def take(self, data, is_last=False):
        data = self.held + data
        for secret in self.secrets:
            data = data.replace(secret, b"***")
        keep = 0
        if not is_last and self.secrets:
            for n in range(min(len(data), len(self.secrets[0]) - 1), 0, -1):
                if any(s.startswith(data[-n:]) for s in self.secrets):
                    keep = n
                    break
        self.held = data[len(data) - keep:] if keep else b""
        data = data[:len(data) - keep] if keep else data
        shown = data[:self.left]
        self.left -= len(shown)
        self.dropped += len(data) - len(shown)
        while shown:
            try:
                shown = shown[os.write(2, shown):]
            except OSError:
                self.left = 0
                break

    def end(self):
        self.take(b"", True)
        if self.dropped:
            os.write(2, ("\nbelay: %d more bytes were printed and are not kept\n" % self.dropped).encode())

def drain(fd, take):
    while select.select([fd], [], [], 0)[0]:
        data = os.read(fd, 65536)
        if not data:
            return False
        take(data)
    return True

# The kernel shows an empty environment of a process that is about to run another program. Kernel threads and what has ended have
# no program; where start and end are one address, the environment is empty indeed. proc_pid_stat(5), fields 50 and 51.
def is_starting(name):
    os.readlink("/proc/%s/exe" % name)
    with open("/proc/%s/stat" % name) as stat:
        text = stat.read()
    fields = text[text.rindex(")") + 2:].split()
    return fields[47] == "0" or fields[47] != fields[48]

# What the script left running carries its mark in its environment.
def end_others():
    mark = ("BELAY_COMMAND=" + os.environ["BELAY_COMMAND"]).encode()
    for _ in range(100):
        found = False
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            try:
                with open("/proc/%s/environ" % name, "rb") as environ:
                    given = environ.read()
                if not given:
                    found = is_starting(name) or found
                    continue
                if mark not in given.split(b"\0"):
                    continue
                os.kill(int(name), signal.SIGKILL)
                found = True
            except OSError:
                pass
        if not found:
            return
        time.sleep(0.01)

def main():
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.dont_write_bytecode = True
    folder = os.path.join(os.path.realpath(os.getcwd()), "script")
    os.mkdir(folder, 0o700)
    log_read, log_write = os.pipe()
    report_read, report_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(log_read)
        os.close(report_read)
        os.dup2(log_write, 1)
        os.dup2(log_write, 2)
        os.close(log_write)
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8", "backslashreplace", line_buffering=True, write_through=True)
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", line_buffering=True, write_through=True)
        try:
            child(report_write, folder)
        finally:
            os._exit(70)
    os.close(log_write)
    os.close(report_write)
    log = Log(job["masked"], job["logBytesMax"])
    log.take(job["opening"].encode("utf-8"))
    said = []
    size = [0]
    def hear(data):
        size[0] += len(data)
        if size[0] <= REPORT_BYTES_MAX:
            said.append(data)
    open_fds = {log_read: log.take, report_read: hear}
    status = None
    while status is None:
        ready = select.select(list(open_fds), [], [], 0.05)[0] if open_fds else []
        if not open_fds:
            status = os.waitpid(pid, 0)[1]
            break
        for fd in ready:
            data = os.read(fd, 65536)
            if data:
                open_fds[fd](data)
            else:
                del open_fds[fd]
        done, found = os.waitpid(pid, os.WNOHANG)
        if done:
            status = found
    if job["endsOthers"] and os.path.isdir("/proc"):
        end_others()
    for fd, take in open_fds.items():
        drain(fd, take)
    log.end()
    try:
        report = json.loads(b"".join(said).decode("ascii"))
    except ValueError:
        report = {"kind": "died", "signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"kind": "ended", "code": os.WEXITSTATUS(status)}
    text = json.dumps(report)
    for secret in job["masked"]:
        if secret:
            text = text.replace(json.dumps(secret)[1:-1], "***")
    data = (text + "\n").encode("ascii")
    while data:
        data = data[os.write(1, data):]

main()
`;

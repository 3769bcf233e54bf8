# SPDX-License-Identifier: Apache-2.0
"""A Chromium without a window, driven over its debugging pipe; needs nothing but Python."""
import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
         "--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe")


def find_browser():
    """The path of a Chromium, or None. CHROMIUM names another one."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of a browser with an empty profile in folder."""

    def __init__(self, path, folder, width=1280, height=800):
        to_browser, self.send_to = os.pipe()
        self.receive_from, from_browser = os.pipe()

        def set_pipes():  # the browser reads commands from 3 and writes answers to 4
            os.dup2(to_browser, 103)
            os.dup2(from_browser, 104)
            os.dup2(103, 3)
            os.dup2(104, 4)

        self.process = subprocess.Popen(
            [path, *FLAGS, f"--window-size={width},{height}", f"--user-data-dir={folder}",
             "about:blank"],
            preexec_fn=set_pipes, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.numbers = itertools.count(1)
        self.buffer = b""
        self.session = None
        self.events = []
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def close(self):
        """Ends the browser."""
        self.session = None
        try:
            self.call("Browser.close")
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()

    def receive(self, seconds):
        """The next message, or None after so many seconds without one."""
        deadline = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.receive_from], [], [], left)[0]:
                return None
            part = os.read(self.receive_from, 1 << 20)
            if not part:
                raise OSError("the browser has ended")
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, **parameters):
        """The result of a command of the debugging protocol."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.send_to, data):]
        while True:
            answer = self.receive(120)
            if answer is None:
                raise OSError(f"{method}: no answer")
            if answer.get("id") == number:
                break
            self.events.append(answer)
        if "error" in answer:
            raise ValueError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page; a promise is awaited."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True,
                           returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise ValueError(f"{expression}: {details.get('exception', details)}")
        return result["result"].get("value")

    def open(self, path):
        """Loads a file and waits until it is painted."""
        self.events.clear()
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.evaluate("new Promise((done) => { const go = () => requestAnimationFrame(() =>"
                      " requestAnimationFrame(done)); document.readyState === 'complete' ? go()"
                      " : addEventListener('load', go); })")

    def emulate(self, scheme=None, width=None, height=None):
        """Light or dark, and the size of the window."""
        if scheme is not None:
            self.call("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": scheme}])
        if width is not None:
            self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=False)

    def problems(self):
        """What went wrong in the page: exceptions, errors of the log and of the console."""
        found = []
        for event in self.events:
            parameters = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(str(parameters["exceptionDetails"].get("exception", parameters)))
            elif event.get("method") == "Log.entryAdded":
                found.append(parameters["entry"]["text"])
        return found

    def press(self, key):
        """Presses and releases a key."""
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def click(self, x, y, count=1):
        """Clicks, or double clicks."""
        for step in range(1, count + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                          clickCount=step)

    def screenshot(self, path):
        """Writes what is seen as PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens pages of onnxdump --html in Chromium: test_html.py ONNXDUMP MAKE_MODELS.

Exit status 77, skipped, where there is no Chromium.
"""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from browser import Browser, find_browser

SKIPPED = 77

# Boxes that overlap without one being an opened module around the other; what lies nowhere; and
# straight parts of curves that cross a box where they neither begin nor end.
FAULTS = """(() => {
    const {boxes, curves} = APP.view.scene, faults = [];
    const isIn = (a, b) => b.kind === "open" && a.left >= b.left && a.right <= b.right &&
        a.top >= b.top && a.bottom <= b.bottom;
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
        const isApart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top ||
            b.bottom <= a.top;
        if (!isApart && !isIn(a, b) && !isIn(b, a)) {
            faults.push(a.box.title + " overlaps " + b.box.title);
        }
    }));
    for (const {value, from, to, x1, y1, y2, x2, y3, y4} of curves) {
        if (![x1, y1, y2, x2, y3, y4].every(Number.isFinite)) {
            faults.push(value.name + " lies nowhere");
        }
        for (const box of boxes.filter((one) => one.kind !== "open")) {
            if (box.box === from || box.box === to) {
                continue;
            }
            const crosses = (x, top, bottom) => x > box.left && x < box.right &&
                Math.min(bottom, box.bottom) - Math.max(top, box.top) > 0.5;
            if (crosses(x1, y1, y2) || crosses(x2, y3, y4)) {
                faults.push(value.name + " crosses " + box.box.title);
            }
        }
    }
    return faults;
})()"""

# Milliseconds of the script for a frame while the graph moves; the least, for other tests may run
# at the same time.
FRAME = """(() => {
    const times = [];
    for (let i = 0; i < 41; i++) {
        const begin = performance.now();
        APP.view.y += 5 / APP.view.scale;
        APP.view.draw();
        times.push(performance.now() - begin);
    }
    return Math.min(...times);
})()"""

# Frames per second while the graph moves for a second.
RATE = """new Promise((done) => {
    let first, count = 0;
    const next = (time) => {
        first = first ?? time;
        APP.view.pan(1, 4);
        if (time - first > 1000) {
            done(1000 * count / (time - first));
        } else {
            count++;
            requestAnimationFrame(next);
        }
    };
    requestAnimationFrame(next);
})"""

PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
TITLES = "APP.view.scene.boxes.map((box) => box.box.title)"


class Pages(unittest.TestCase):
    """One browser for all pages."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.models = Path(cls.folder.name)
        subprocess.run([MAKE_MODELS, cls.models], check=True)
        cls.browser = Browser(find_browser(), cls.models / "profile")

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.folder.cleanup()

    def open(self, name, *options):
        """Makes the page of a model and opens it."""
        page = self.models / (name + ".html")
        subprocess.run([ONNXDUMP, self.models / (name + ".onnx"), "--html", page, *options],
                       check=True, capture_output=True)
        self.browser.open(page)
        self.addCleanup(lambda: self.assertEqual(self.browser.problems(), []))
        return page

    def js(self, expression):
        return self.browser.evaluate(expression)

    def click_box(self, title, count=1):
        """Clicks on the middle of the top of a box."""
        x, y = self.js(f"""(() => {{
            const {{view}} = APP, box = view.scene.boxes.find((b) => b.box.title === {title!r});
            const {{left, top}} = byId("canvas").getBoundingClientRect();
            return [left + ((box.left + box.right) / 2 - view.x) * view.scale,
                    top + (box.top + 10 - view.y) * view.scale];
        }})()""")
        self.browser.click(x, y, count)

    def panel(self):
        return self.js("byId('panel').innerText")

    def test_modules_open_and_close(self):
        self.open("modules")
        self.assertIn("▾ net", self.js(TITLES))
        self.click_box("▾ head", 2)
        self.assertIn("▸ head", self.js(TITLES))
        self.assertEqual(self.js(FAULTS), [])
        self.assertIn("net.head", self.panel())
        self.assertIn("Head", self.panel())
        self.browser.press("Enter")
        self.assertIn("▾ head", self.js(TITLES))
        self.assertEqual(self.js(FAULTS), [])
        self.js("byId('close-all').click()")
        self.assertEqual(self.js(TITLES), ["▸ net", "x", "y"])
        self.js("byId('open-all').click()")
        self.assertEqual(self.js("APP.view.scene.boxes.filter((b) => b.kind === 'node').length"), 6)

    def test_the_tree_leads_to_a_module(self):
        self.open("modules")
        self.js("[...document.querySelectorAll('nav .module')].find("
                "(b) => b.textContent === 'layer.1 Layer').click()")
        self.assertIn("net.layer.1", self.panel())
        self.assertEqual(self.js("MODULES[APP.selected.id].name"), "layer.1")

    def test_details_of_a_node(self):
        self.open("modules", "-d", "s1=4")
        self.js("byId('open-all').click()")
        self.js("APP.reveal({kind: 'node', id: APP.graph.nodes[1]})")
        for text in ("MatMul", "ai.onnx 17", "net.layer.0", "net.0", "float[8, 8] · 256 B", "a0",
                     "float[4, 8]"):
            self.assertIn(text, self.panel())
        self.js("[...document.querySelectorAll('#panel .link')].find("
                "(b) => b.textContent === 'net.0').click()")
        self.assertIn("Weight", self.panel())
        self.browser.press("Escape")
        self.assertIn("1,024", self.panel())  # MACs

    def test_arrows_go_along_the_links(self):
        self.open("relu")
        self.js("byId('canvas').focus()")
        for key, kind in (("ArrowDown", "x"), ("ArrowDown", "Relu"), ("ArrowDown", "y"),
                          ("ArrowUp", "Relu")):
            self.browser.press(key)
            self.assertEqual(self.js("APP.selected.id.op_type ?? APP.selected.id.name"), kind)

    def test_before_and_after_fusion(self):
        self.open("modules")
        self.js("byId('open-all').click()")
        self.assertEqual(self.js("APP.graph.nodes.filter(isGone).map((node) => node.outputs[0])"),
                         ["a0", "a1"])
        self.browser.press("2")
        self.assertEqual(self.js("APP.stage.name"), "graph")
        after = self.js("APP.graph.nodes.map((node) => node.op_type)")
        self.assertEqual(after, self.js("JSON.parse(byId('data-graph').textContent).nodes.map("
                                        "(node) => node.op_type)"))
        self.assertEqual(self.js(FAULTS), [])
        self.js("APP.reveal({kind: 'node', id: APP.graph.nodes[APP.graph.nodes.length - 1]})")
        self.browser.press("1")
        self.assertEqual(self.js("APP.selected.id.outputs"), ["y"])
        self.assertEqual(self.js("APP.graph.nodes.length"), 6)

    def test_the_selection_is_kept_from_stage_to_stage(self):
        self.open("modules")
        for kind, target, name in (("module", "1", "MODULES[1].name"),
                                   ("value", "APP.graph.values.get('b0')", "'b0'"),
                                   ("node", "APP.graph.nodes[2]", "'b0'")):
            self.js(f"APP.reveal({{kind: '{kind}', id: {target}}})")
            self.browser.press("2")
            self.assertEqual(self.js("APP.selected.kind"), kind)
            self.assertTrue(self.js(f"[APP.selected.id.name, APP.selected.id.outputs?.[0],"
                                    f" MODULES[APP.selected.id]?.name].includes({name})"))
            self.browser.press("1")

    def test_a_node_without_a_name_stays_within_the_module_around_it(self):
        self.open("unnamed")
        self.assertEqual(self.js("modulePath(APP.graph.nodes[1].module)"), "net")
        self.assertEqual(self.js("APP.view.scene.boxes.filter((b) => b.kind === 'cut').length"), 0)
        self.assertEqual(self.js(FAULTS), [])

    def test_search(self):
        self.open("modules")
        self.browser.press("/")
        for letter in "layer.1":
            self.browser.press(letter)
        self.assertIn("net.layer.1", self.js("byId('results').innerText"))
        self.browser.press("Enter")
        self.assertEqual(self.js("MODULES[APP.selected.id].name"), "layer.1")
        self.assertTrue(self.js("byId('results').hidden"))

    def test_bodies(self):
        self.open("branch")
        self.js("APP.select({kind: 'node', id: APP.graph.nodes[0]})")
        self.js("[...document.querySelectorAll('#panel button')].find("
                "(b) => b.textContent === 'Show else_branch').click()")
        self.assertEqual(self.js("APP.graph.nodes.map((node) => node.op_type)"), ["Cos"])
        self.assertEqual(self.js(FAULTS), [])
        self.browser.press("Escape")
        self.assertEqual(self.js("APP.graph.nodes.map((node) => node.op_type)"), ["If"])

    def test_a_model_that_cannot_run_is_shown_with_the_reason(self):
        self.open("unknown")
        self.assertTrue(self.js("byId('stage-graph').disabled"))
        self.assertIn("not supported", self.js("byId('message').innerText"))
        self.assertIn("NOT SUPPORTED", self.panel())

    def test_names_are_text(self):
        page = self.open("markup")
        text = page.read_bytes()
        self.assertEqual(text.count(b"<script"), text.count(b"</script>"))
        self.assertNotIn(b"onerror=hacked=1>", text)
        self.assertNotIn("\u2028".encode(), text)
        for stage in "12":
            self.browser.press(stage)
            self.js("byId('open-all').click()")
            for node in range(self.js("APP.graph.nodes.length")):
                self.js(f"APP.reveal({{kind: 'node', id: APP.graph.nodes[{node}]}})")
            self.js("APP.search('script')")
        self.js("APP.select(null)")
        self.assertIn("</script><script>hacked=1</script>", self.panel())
        self.assertEqual(self.js("typeof hacked"), "undefined")
        self.assertEqual(self.js("document.querySelectorAll('img').length"), 0)
        self.assertEqual(self.js("({}).constructor === Object"), True)

    def test_the_page_runs_no_script_but_its_own(self):
        self.open("relu")
        self.js("""(() => {
            const script = document.createElement("script");
            script.textContent = "hacked = 1";
            document.body.append(script);
            const box = document.createElement("div");
            box.innerHTML = "<img src=x onerror='hacked = 1'>";
            document.body.append(box);
        })()""")
        self.assertEqual(self.js("fetch('https://example.com').then(() => 1, () => 0)"), 0)
        self.assertEqual(self.js("typeof hacked"), "undefined")
        self.browser.events.clear()  # the browser reports what it has refused

    def test_light_and_dark(self):
        self.open("modules")
        colors = []
        for scheme in ("light", "dark"):
            self.browser.emulate(scheme=scheme)
            self.js("new Promise((done) => requestAnimationFrame(() =>"
                    " requestAnimationFrame(() => done())))")
            colors.append(self.js("[COLORS.level0, getComputedStyle(document.body).color]"))
        self.assertNotEqual(colors[0][0], colors[1][0])
        self.assertNotEqual(colors[0][1], colors[1][1])

    def test_8000_nodes_are_fluid(self):
        paints = []
        for _ in range(3):
            self.open("layers")
            paints.append(self.js(PAINT))
        self.assertLess(min(paints), 1000)
        self.assertEqual(self.js("APP.view.scene.boxes.length"), 203)
        figures = {"first paint": min(paints), "frame": self.js(FRAME), "rate": self.js(RATE)}
        begin = self.js("performance.now()")
        self.js("APP.openAll(true)")
        figures["open all"] = self.js("performance.now()") - begin
        self.assertGreater(self.js("APP.view.scene.boxes.length"), 10000)
        figures["frame, all open"] = self.js(FRAME)
        figures["rate, all open"] = self.js(RATE)
        self.js("APP.fitAll()")
        figures["frame, all in sight"] = self.js(FRAME)
        print({name: round(figure, 1) for name, figure in figures.items()})
        for name in ("frame", "frame, all open", "frame, all in sight"):
            self.assertLess(figures[name], 1000 / 60, name)


if __name__ == "__main__":
    if find_browser() is None:
        print("there is no Chromium; Debian has it in the package chromium-headless-shell")
        sys.exit(SKIPPED)
    ONNXDUMP, MAKE_MODELS = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)

/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the page: what is shown, opened and selected. */

const byId = (id) => document.getElementById(id);

const MANY_BOXES = 60;   /* modules are opened at first while there are no more boxes than this */
const MOST_OPEN = 20000; /* nodes: more are not opened at once */
const LEAST_SCALE = 0.5; /* of a graph that is shown whole at first */
const READABLE = 0.7;    /* else */

/* Of modules side by side, those with fewer than three names that differ in numbers alone. */
function loners(modules) {
    const stem = (module) => MODULES[module].name.replace(/\d+/g, "#");
    const alike = mapOfLists(modules.map((module) => [stem(module), module]));
    return [...alike.values()].filter((list) => list.length < 3).flat();
}

/* What another graph has of something that is selected: the node that makes the same value, the
 * value, the module; null when it is gone. */
function sameIn(graph, selected) {
    if (selected === null || selected.kind === "module") {
        return graph.groups.has(selected?.id) ? selected : null;
    }
    const {kind, id} = selected;
    const value = graph.values.get(kind === "node" ? id.outputs[0] : id.name);
    const found = kind === "node" ? value?.producer : value;
    return found ? {kind, id: found} : null;
}

const APP = {
    stage: STAGES.model,
    graph: null,    /* of the stage, or a body */
    selected: null, /* {kind: "node", "module" or "value", id} */
    view: new View(byId("canvas")),

    /* ---- what is shown ---- */

    showStage(stage) {
        if (stage.error !== null) {
            return;
        }
        const target = sameIn(stage.graph, this.selected);
        this.stage = stage;
        for (const one of Object.values(STAGES)) {
            byId("stage-" + one.name).setAttribute("aria-checked", String(one === stage));
        }
        this.showGraph(stage.graph);
        if (target !== null) {
            this.reveal(target);
        }
    },

    showGraph(graph) {
        this.graph = graph;
        this.selected = null;
        this.view.marks.selected = null;
        this.showPath();
        this.rebuild();
        this.fitTop();
        this.showSelection();
    },

    /* The way from the main graph to a body. */
    showPath() {
        const parts = [];
        for (let {graph} = this; graph.parent !== null; graph = graph.parent.graph) {
            const outer = graph.parent.graph;
            const name = graph.parent.op_type + " › " + graph.title;
            parts.unshift(make("button", {type: "button", onclick: () => this.showGraph(outer)},
                               outer.title), make("span", {}, "› " + name));
        }
        byId("path").replaceChildren(...parts);
    },

    rebuild() {
        this.view.scene = buildScene(this.graph);
        this.view.redraw();
    },

    /* The whole graph, or its beginning when the text could not be read else. */
    fitTop() {
        const {view} = this, {width, height} = view.scene;
        view.show({left: 0, top: 0, right: width, bottom: height}, 1);
        if (view.scale >= LEAST_SCALE) {
            return;
        }
        view.scale = READABLE;
        const isTall = height * view.scale > view.height - 60, margin = 24 / view.scale;
        const first = view.scene.boxes.reduce((a, b) => b.top < a.top ? b : a);
        const middle = isTall ? (first.left + first.right) / 2 : width / 2;
        const shown = view.width / view.scale;
        view.x = shown > width + 2 * margin ? (width - shown) / 2
            : Math.min(width + margin - shown, Math.max(-margin, middle - shown / 2));
        view.y = isTall ? -44 / view.scale : (height - view.height / view.scale) / 2;
        view.redraw();
    },

    fitAll() {
        const {width, height} = this.view.scene;
        this.view.show({left: 0, top: 0, right: width, bottom: height}, 1);
    },

    /* ---- modules ---- */

    /* Opens or closes a module; its upper left corner stays where it is on the screen. */
    toggle(module) {
        const {view} = this, before = view.scene.boxOf.get(module);
        setOpen(module, !OPEN.has(module));
        this.rebuild();
        const after = view.scene.boxOf.get(module);
        if (before !== undefined && after !== undefined) {
            view.x += after.left - before.left;
            view.y += after.top - before.top;
            view.keepInSight();
        }
        this.showSelection();
    },

    openAll(isOpen) {
        const modules = [...this.graph.groups.keys()].filter((module) => module !== ROOT);
        if (isOpen && this.graph.nodes.length > MOST_OPEN) {
            this.say("Too many nodes to open all modules at once.");
            return;
        }
        modules.forEach((module) => setOpen(module, isOpen));
        this.rebuild();
        this.fitTop();
    },

    /* Opens modules from the outside in, small ones first, while there is room for their boxes; but
     * none of many that are named alike, as layers are. */
    openFirst() {
        const {groups} = STAGES.model.graph;
        const sizeOf = (module) => {
            const {nodes, modules} = groups.get(module);
            return nodes.length + modules.length;
        };
        let count = sizeOf(ROOT), level = [ROOT];
        while (level.length > 0) {
            const inner = level.flatMap((module) => loners(groups.get(module).modules))
                .sort((a, b) => sizeOf(a) - sizeOf(b));
            level = inner.filter((module) => {
                const fits = count + sizeOf(module) <= MANY_BOXES || sizeOf(module) === 1;
                count += fits ? sizeOf(module) : 0;
                return fits;
            });
            level.forEach((module) => {
                setOpen(module, true);
                unfolded.add(module);
            });
        }
    },

    /* ---- selection ---- */

    select(target) {
        this.selected = target;
        this.view.marks.selected = target;
        this.showSelection();
        this.view.redraw();
    },

    showSelection() {
        showDetails(this.selected);
        const module = this.moduleOf(this.selected);
        for (let at = module; at !== ROOT; at = MODULES[at].parent) {
            unfolded.add(MODULES[at].parent);
        }
        showTree(module);
    },

    /* The module that is selected or has what is. */
    moduleOf(target) {
        const node = target?.kind === "value" ? target.id.producer : target?.id;
        return target?.kind === "module" ? target.id : node?.module ?? ROOT;
    },

    /* Selects something and moves it into sight; opens the modules around it. */
    reveal(target) {
        const node = target.kind === "node" ? target.id
            : target.kind === "value" ? target.id.producer ?? target.id.consumers[0] : undefined;
        if (node !== undefined && node.graph !== this.graph) {
            this.enter(node.graph);
        }
        const inner = target.kind === "module" ? MODULES[target.id].parent ?? ROOT : node?.module;
        for (let at = inner ?? ROOT; at !== ROOT; at = MODULES[at].parent) {
            setOpen(at, true);
        }
        this.rebuild();
        this.select(target);
        const box = this.view.scene.boxOf.get(target.id) ?? this.view.scene.boxOf.get(node);
        if (box !== undefined) {
            this.view.scale = Math.max(this.view.scale, 0.7);
            const height = Math.min(box.bottom - box.top, 0.8 * this.view.height / this.view.scale);
            this.view.center(box.left, box.top, box.right, box.top + height);
        }
    },

    /* Goes to another graph, and its stage. */
    enter(graph) {
        if (graph.stage !== this.stage) {
            this.selected = null;
            this.showStage(graph.stage);
        }
        if (graph !== this.graph) {
            this.showGraph(graph);
        }
    },

    say(text) {
        byId("message").textContent = text;
        byId("message").hidden = text === "";
    },

    /* ---- search ---- */

    search(text) {
        byId("search").value = text;
        byId("search").focus();
        showResults();
    },
};

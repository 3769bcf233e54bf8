/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys and the pointer do; and the beginning. */

/* ---- keys ---- */

/* The nearest of the boxes that curves lead to from what is selected: 1 down, -1 up. */
function stepAlong(direction) {
    const {view, selected} = APP, box = view.scene.boxOf.get(selected.id);
    const near = view.scene.curves.flatMap((curve) => {
        const isFrom = curve.from.id === selected.id;
        return direction > 0 && isFrom ? [curve.value] :
            direction < 0 && curve.to !== null && curve.to.id === selected.id ? [curve.value] : [];
    });
    const targets = [];
    for (const curve of view.scene.curves.filter((one) => near.includes(one.value))) {
        const end = direction > 0 ? curve.to : curve.from;
        const isBox = end !== null && end.kind !== "port";
        const target = isBox ? view.scene.boxOf.get(end.id) : undefined;
        if (target !== undefined && direction * (target.top - box.top) > 0) {
            targets.push(target);
        }
    }
    targets.sort((a, b) => direction * (a.top - b.top));
    return targets[0];
}

/* The next box to the left (-1) or right (1) at about the same height. */
function stepAside(direction) {
    const {view, selected} = APP, box = view.scene.boxOf.get(selected.id);
    const middle = (one) => (one.left + one.right) / 2;
    return view.scene.boxes
        .filter((other) => other.kind !== "open" && other.top < box.bottom &&
            other.bottom > box.top && direction * (middle(other) - middle(box)) > 0)
        .sort((a, b) => direction * (middle(a) - middle(b)))[0];
}

function targetOf(box) {
    const kind = box.kind === "node" ? "node"
        : box.kind === "module" || box.kind === "open" ? "module" : "value";
    return {kind, id: box.id};
}

function step(key) {
    const {view} = APP;
    if (APP.selected === null || !view.scene.boxOf.has(APP.selected.id)) {
        return view.scene.boxes.reduce((a, b) => b.top < a.top ? b : a);
    }
    return key === "ArrowUp" || key === "ArrowDown" ? stepAlong(key === "ArrowUp" ? -1 : 1)
        : stepAside(key === "ArrowLeft" ? -1 : 1);
}

function stepOut() {
    const {selected} = APP;
    const module = selected?.kind === "module" ? MODULES[selected.id].parent
        : APP.moduleOf(selected);
    if (module !== ROOT) {
        APP.reveal({kind: "module", id: module});
    }
}

function activate() {
    const {selected} = APP;
    if (selected?.kind === "module") {
        APP.toggle(selected.id);
    } else if (selected?.kind === "node" && selected.id.bodies.length > 0) {
        APP.showGraph(APP.graph.body(selected.id, 0));
    }
}

function leave() {
    if (!byId("message").hidden) {
        APP.say("");
    } else if (APP.selected !== null) {
        APP.select(null);
    } else if (APP.graph.parent !== null) {
        const node = APP.graph.parent;
        APP.showGraph(node.graph);
        APP.reveal({kind: "node", id: node});
    }
}

const zoomMiddle = (factor) =>
    APP.view.zoom(factor, APP.view.width / 2, APP.view.height / 2);

const KEYS = {
    "/": () => byId("search").select(),
    "?": () => byId("help").showModal(),
    "1": () => APP.showStage(STAGES.model),
    "2": () => APP.showStage(STAGES.graph),
    "+": () => zoomMiddle(1.25),
    "=": () => zoomMiddle(1.25),
    "-": () => zoomMiddle(0.8),
    f: () => APP.fitAll(),
    e: () => APP.openAll(true),
    c: () => APP.openAll(false),
    u: stepOut,
    Escape: leave,
};

function pageKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) {
        return;
    }
    const isOnCanvas = document.activeElement === byId("canvas") ||
        document.activeElement === document.body;
    const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (action !== undefined) {
        action();
        event.preventDefault();
    } else if (isOnCanvas && event.key.startsWith("Arrow")) {
        const box = step(event.key);
        if (box !== undefined) {
            APP.reveal(targetOf(box));
        }
        event.preventDefault();
    } else if (isOnCanvas && event.key === "Enter") {
        activate();
    }
}

/* ---- pointer ---- */

const pointers = new Map(); /* pressed: id -> {x, y} */
let hasMoved = false;

function positionOf(event) {
    const {left, top} = byId("canvas").getBoundingClientRect();
    return {x: event.clientX - left, y: event.clientY - top};
}

function pointerDown(event) {
    byId("canvas").setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, positionOf(event));
    hasMoved = pointers.size > 1;
    byId("results").hidden = true;
    byId("tip").hidden = true;
}

function pointerMove(event) {
    const at = positionOf(event), before = pointers.get(event.pointerId);
    if (before === undefined) {
        hover(at);
        return;
    }
    if (!hasMoved && Math.hypot(at.x - before.x, at.y - before.y) < 4) {
        return;
    }
    hasMoved = true;
    byId("canvas").classList.add("dragging");
    if (pointers.size === 2) {
        const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
        const distance = (p) => Math.max(20, Math.hypot(p.x - other.x, p.y - other.y));
        APP.view.zoom(distance(at) / distance(before), other.x, other.y);
    } else {
        APP.view.pan(before.x - at.x, before.y - at.y);
    }
    pointers.set(event.pointerId, at);
}

function pointerUp(event) {
    const wasClick = pointers.delete(event.pointerId) && !hasMoved && event.type === "pointerup";
    byId("canvas").classList.remove("dragging");
    if (wasClick) {
        const {x, y} = positionOf(event), found = findAt(APP.view, x, y);
        APP.select(found === null ? null : targetOf(found));
    }
}

function doubleClick(event) {
    const {x, y} = positionOf(event), found = findAt(APP.view, x, y);
    if (found !== null) {
        activate();
    }
}

function tipText({kind, id}) {
    return kind === "node" ? `${id.op_type}  ${nodeLabel(id)}`
        : kind === "module" || kind === "open" ? modulePath(id)
            : `${id.name}\n${typeText(id.graph.fact(id))}`;
}

function hover({x, y}) {
    const {view} = APP, found = findAt(view, x, y);
    if (found?.id !== view.marks.hovered?.id) {
        view.marks.hovered = found;
        view.redraw();
    }
    byId("canvas").classList.toggle("over", found !== null);
    const tip = byId("tip");
    tip.hidden = found === null;
    if (found !== null) {
        tip.textContent = tipText(found);
        tip.style.left = Math.min(x + 14, view.width - tip.offsetWidth - 8) + "px";
        tip.style.top = Math.min(y + 18, view.height - tip.offsetHeight - 8) + "px";
    }
}

function wheel(event) {
    const unit = event.deltaMode === 1 ? 20 : event.deltaMode === 2 ? APP.view.height : 1;
    if (event.ctrlKey || event.metaKey) {
        const {x, y} = positionOf(event);
        APP.view.zoom(Math.exp(-event.deltaY * unit / 240), x, y);
    } else if (event.shiftKey && event.deltaX === 0) {
        APP.view.pan(event.deltaY * unit, 0);
    } else {
        APP.view.pan(event.deltaX * unit, event.deltaY * unit);
    }
    byId("tip").hidden = true;
    event.preventDefault();
}

/* ---- begin ---- */

function listen() {
    const canvas = byId("canvas"), on = (id, action) => byId(id).addEventListener("click", action);
    canvas.addEventListener("pointerdown", pointerDown);
    canvas.addEventListener("pointermove", pointerMove);
    canvas.addEventListener("pointerup", pointerUp);
    canvas.addEventListener("pointercancel", pointerUp);
    canvas.addEventListener("pointerleave", () => { byId("tip").hidden = true; });
    canvas.addEventListener("dblclick", doubleClick);
    canvas.addEventListener("wheel", wheel, {passive: false});
    document.addEventListener("keydown", pageKey);
    byId("search").addEventListener("input", showResults);
    byId("search").addEventListener("focus", showResults);
    byId("search").addEventListener("keydown", searchKey);
    on("stage-model", () => APP.showStage(STAGES.model));
    on("stage-graph", () => APP.showStage(STAGES.graph));
    on("open-all", () => APP.openAll(true));
    on("close-all", () => APP.openAll(false));
    on("fit", () => APP.fitAll());
    on("show-help", () => byId("help").showModal());
    on("zoom-in", () => zoomMiddle(1.25));
    on("zoom-out", () => zoomMiddle(0.8));
    new ResizeObserver(() => APP.view.resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
        readColors();
        APP.view.draw();
        showDetails(APP.selected);
    });
}

function begin() {
    document.title = PAGE.file;
    byId("title").textContent = PAGE.file;
    byId("title").title = PAGE.file;
    readColors();
    if (STAGES.graph.error !== null) {
        byId("stage-graph").disabled = true;
        APP.say("There is no stage after fusion: " + STAGES.graph.error);
    }
    APP.openFirst();
    listen();
    APP.showStage(STAGES.model);
    APP.view.resize();
}

begin();

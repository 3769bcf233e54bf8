/* SPDX-License-Identifier: Apache-2.0 */
/* The search: nodes, values and modules of the graph that is shown, by words in their names. */

const MAX_RESULTS = 200;

function findMatches(text) {
    const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const matches = (string) => words.every((word) => string.toLowerCase().includes(word));
    const {graph} = APP, found = [];
    for (const module of graph.groups.keys()) {
        if (module !== ROOT && matches(modulePath(module) + " " + (MODULES[module].class ?? ""))) {
            found.push({kind: "module", id: module, label: MODULES[module].class ?? "module",
                        text: modulePath(module)});
        }
    }
    for (const node of graph.nodes) {
        const text = [node.op_type, nodeLabel(node), modulePath(node.module)].join(" ");
        if (!node.isConstant && matches(text)) {
            found.push({kind: "node", id: node, label: node.op_type, text: nodeLabel(node)});
        }
    }
    for (const value of graph.values.values()) {
        if ((value.producer !== null || value.consumers.length > 0 || value.isInput) &&
            matches(value.name)) {
            found.push({kind: "value", id: value,
                        label: value.constant !== null ? "weight" : "value", text: value.name});
        }
    }
    return found;
}

let results = [], chosen = 0;

function showResults() {
    const text = byId("search").value.trim();
    results = text === "" ? [] : findMatches(text);
    chosen = 0;
    const count = results.length;
    byId("results").replaceChildren(
        make("p", {}, count === 0 ? "Nothing found"
            : plural(count, "result") + (count > MAX_RESULTS ? `, the first ${MAX_RESULTS}` : "")),
        ...results.slice(0, MAX_RESULTS).map((result, index) =>
            make("button", {type: "button", tabIndex: -1, className: index === 0 ? "selected" : "",
                            onclick: () => choose(index)},
                 make("b", {}, result.label), make("span", {}, result.text))));
    byId("results").hidden = text === "";
}

function choose(index) {
    byId("results").hidden = true;
    byId("canvas").focus();
    APP.reveal({kind: results[index].kind, id: results[index].id});
}

function searchKey(event) {
    const buttons = byId("results").querySelectorAll("button");
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step !== undefined && buttons.length > 0) {
        buttons[chosen].classList.remove("selected");
        chosen = (chosen + step + buttons.length) % buttons.length;
        buttons[chosen].classList.add("selected");
        buttons[chosen].scrollIntoView({block: "nearest"});
        event.preventDefault();
    } else if (event.key === "Enter" && buttons.length > 0) {
        choose(chosen);
    } else if (event.key === "Escape") {
        byId("results").hidden = true;
        byId("canvas").focus();
    }
    event.stopPropagation();
}

"use strict";
// Puts the data of the page into it. Words of a run only ever become text (`textContent`), never markup.

/// An element; strings among the children become text.
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/// A button that is on or off.
function toggle(label, changed) {
  const button = element("button", { className: "toggle", type: "button" }, label);
  button.setAttribute("aria-pressed", "true");
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    changed(on);
  });
  return button;
}

/// A table whose columns sort by a click on their heads. A cell is a text, a number or null; heads are [name, isNumber, note].
function table(caption, heads, rows, classOf = () => "") {
  const body = element("tbody");
  const fill = (order) => {
    body.replaceChildren(...order.map((row) => element("tr", {}, ...row.map((cell, at) => {
      const [, isNumber, digits = 4] = heads[at];
      const text = cell === null || cell === undefined ? "–"
        : typeof cell === "number" ? (isNumber ? cell.toFixed(digits) : numberText(cell)) : cell;
      const made = element(at === 0 ? "th" : "td", { className: (isNumber ? "number " : "") + classOf(row, at) }, text);
      if (at === 0) made.scope = "row";
      return made;
    }))));
  };
  const cells = heads.map(([name, isNumber], at) => {
    const button = element("button", { type: "button", title: "Sort by " + name }, name);
    const head = element("th", { scope: "col", className: isNumber ? "number" : "" }, button);
    button.addEventListener("click", () => {
      const isAscending = head.getAttribute("aria-sort") !== (isNumber ? "descending" : "ascending") ? !isNumber : isNumber;
      for (const other of cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
      const order = rows.slice().sort((one, other) => {
        const [a, b] = [one[at], other[at]];
        if (a === null || a === undefined) return b === null || b === undefined ? 0 : 1;
        if (b === null || b === undefined) return -1;
        const found = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
        return isAscending ? found : -found;
      });
      fill(order);
    });
    return head;
  });
  fill(rows);
  return element("div", { className: "scroll" },
    element("table", {}, element("caption", {}, caption), element("thead", {}, element("tr", {}, ...cells)), body));
}

const data = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("page");

function section(id, title, ...children) {
  main.append(element("section", { id }, element("h2", {}, title), ...children));
  document.getElementById("contents").append(element("a", { href: "#" + id }, title));
}

/// The name of a run in its colour, where there are several.
function runName(index) {
  const run = data.runs[index];
  if (data.runs.length === 1) return element("span", {}, run.title);
  const swatch = element("span", { className: "swatch" });
  swatch.style.background = "var(--series-" + (index % N_COLOURS) + ")";
  return element("span", {}, swatch, run.title);
}

/// Titles may be alike: then the id is added.
function runLabel(index) {
  const run = data.runs[index];
  const isAlone = data.runs.filter((other) => other.title === run.title).length === 1;
  return isAlone ? run.title : run.title + " (" + run.id + ")";
}

function summary() {
  const names = [...new Set(data.runs.flatMap((run) => run.facts.map(([name]) => name)))];
  const rows = names.map((name) => [name, ...data.runs.map((run) => run.facts.find(([fact]) => fact === name)?.[1] ?? null)]);
  rows.unshift(["Id", ...data.runs.map((run) => run.id)]);
  const heads = [["", false], ...data.runs.map((_, index) => [runLabel(index), false])];
  const said = data.runs.flatMap((run, index) => {
    if (!run.note && run.labels.length === 0) return [];
    const labels = run.labels.length > 0 ? element("p", { className: "weak" }, "Tags: " + run.labels.join(", ")) : null;
    return [element("h3", {}, runName(index)), labels, run.note ? element("blockquote", {}, run.note) : null];
  });
  section("summary", "Summary", table("What was trained, and how well it did", heads, rows), ...said.filter(Boolean));
}

function curves() {
  const view = new View(data.runs);
  const charts = new Map();
  data.runs.forEach((run, index) => {
    for (const curve of run.curves) {
      const chart = charts.get(curve.chart) ?? { unit: curve.unit, traces: [] };
      charts.set(curve.chart, chart);
      chart.unit = chart.unit || curve.unit;
      chart.traces.push({ ...curve, run: index });
    }
  });
  if (charts.size === 0) return section("curves", "Curves", element("p", {}, "Nothing was measured yet."));
  const axis = element("select", {}, ...Object.entries(AXES).map(([value, name]) => element("option", { value }, name)));
  axis.addEventListener("change", () => {
    view.axis = axis.value;
    for (const chart of view.charts) chart.moveCursor(null);
    view.zoom(null);
  });
  // Even in the length of the average: 1, 10, 100, 1000 values.
  const slider = element("input", { type: "range", min: "0", max: "3", step: "0.05", value: "0" });
  const length = element("output", {}, "off");
  slider.addEventListener("input", () => {
    view.smoothing = Math.pow(10, Number(slider.value));
    length.textContent = view.smoothing > 1 ? "about " + Math.round(view.smoothing) + " values" : "off";
    view.redraw();
  });
  const fit = element("button", { className: "plain", type: "button" }, "Show everything");
  fit.addEventListener("click", () => view.zoom(null));
  const toggles = data.runs.length > 1 ? data.runs.map((run, index) => {
    const button = toggle("", (on) => {
      if (on) view.hiddenRuns.delete(index); else view.hiddenRuns.add(index);
      view.redraw();
    });
    button.append(runName(index));
    return button;
  }) : [];
  const grid = element("div", { className: "charts" });
  section("curves", "Curves",
    element("p", { className: "weak" }, "Drag over a chart to zoom in, double-click to see everything. Smoothing is a moving average over the measured values; the raw range stays behind it."),
    element("div", { className: "controls" },
      element("label", {}, "Along", axis), element("label", {}, "Smoothing", slider, length), fit, ...toggles),
    grid);
  for (const [title, { unit, traces }] of charts) new Chart(grid, title, unit, traces, view);
  document.documentElement.dataset.charts = charts.size;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => view.redraw());
  addEventListener("beforeprint", () => { document.documentElement.classList.add("printing"); view.redraw(); });
  addEventListener("afterprint", () => { document.documentElement.classList.remove("printing"); view.redraw(); });
}

/// "+0.012 (−0.003 to +0.027)"; in bold if the interval leaves out zero.
function differenceText({ value, interval }) {
  const signed = (number) => (number < 0 ? "−" : "+") + Math.abs(number).toFixed(4);
  if (value === null) return null;
  return interval ? signed(value) + " (" + signed(interval.low) + " to " + signed(interval.high) + ")" : signed(value);
}

function isSure(difference) {
  const interval = difference.interval;
  return interval !== null && (interval.low > 0 || interval.high < 0);
}

function compared() {
  if (data.runs.length < 2) return;
  const setting = (run, name) => run.settings.find(([other]) => other === name)?.[1] ?? null;
  const heads = [["Setting", false], ...data.runs.map((_, index) => [runLabel(index), false])];
  const rows = data.differing.map((name) => [name, ...data.runs.map((run) => setting(run, name))]);
  section("settings", "Settings that differ",
    rows.length > 0 ? table("All others are equal", heads, rows) : element("p", {}, "The runs have the same settings."));
  const found = data.differences.found;
  if (!found) return section("differences", "Differences", element("p", {}, data.differences.missing));
  const parts = found.flatMap(({ runs: [first, second], n_tracks, means, tags }) => {
    const sure = new Map();
    const row = (name, pair) => {
      const made = [name, differenceText(pair[0]), differenceText(pair[1])];
      sure.set(made, pair.map(isSure));
      return made;
    };
    const rows = [row("mean over tags", means), ...tags.map(([tag, pair]) => row(tag, pair))];
    return [
      element("h3", {}, runName(second), " less ", runName(first)),
      table("On the same " + n_tracks + " test tracks, with 95 % intervals of a paired bootstrap; bold: the interval leaves out zero",
        [["Tag", false], ["ROC-AUC", false], ["PR-AUC", false]], rows,
        (made, at) => at > 0 && sure.get(made)[at - 1] ? "best" : ""),
    ];
  });
  section("differences", "Differences", ...parts);
}

function tags() {
  const splits = [...new Set(data.runs.flatMap((run) => run.scores.map((scores) => scores.name)))];
  if (splits.length === 0) return section("tags", "Tags", element("p", {}, "No split was scored yet."));
  const host = element("div");
  const show = (split) => {
    const scored = data.runs.flatMap((run, index) => {
      const scores = run.scores.find((other) => other.name === split);
      return scores ? [{ index, run, scores }] : [];
    });
    const names = [...new Set(scored.flatMap(({ run }) => run.tags))];
    const value = ({ run, scores }, tag, measure) => scores[measure][run.tags.indexOf(tag)] ?? null;
    const row = (tag) => [tag, ...scored.flatMap((one) =>
      [value(one, tag, "roc_auc_per_tag"), value(one, tag, "average_precision_per_tag")])];
    const mean = ["mean over tags", ...scored.flatMap(({ scores }) => [scores.roc_auc_macro, scores.average_precision_macro])];
    const before = (index) => data.runs.length > 1 ? runLabel(index) + ": " : "";
    const heads = [["Tag", false], ...scored.flatMap(({ index }) =>
      [[before(index) + "ROC-AUC", true], [before(index) + "PR-AUC", true]])];
    // Of several runs the best is bold.
    const isBest = (made, at) => {
      if (scored.length < 2 || at === 0 || made[at] === null) return "";
      const same = made.filter((cell, other) => other > 0 && other % 2 === at % 2 && cell !== null);
      return made[at] === Math.max(...same) ? "best" : "";
    };
    host.replaceChildren(table("Scores on the " + split + " split; – is not defined", heads, [mean, ...names.map(row)], isBest));
  };
  const choice = element("select", {}, ...splits.map((split) => element("option", { value: split }, split)));
  choice.addEventListener("change", () => show(choice.value));
  show(splits[0]);
  section("tags", "Tags", element("div", { className: "controls" }, element("label", {}, "Split", choice)), host);
}

function answerTable({ run, loss, top }) {
  const rows = top.map(([tag, probability, isTrue]) => {
    const bar = element("span", { className: isTrue ? "bar" : "bar wrong" });
    bar.style.width = Math.max(1, probability * 100) + "%";
    return element("tr", {}, element("td", {}, isTrue ? "✓ " + tag : tag), element("td", {}, bar),
      element("td", { className: "number" }, probability.toFixed(3)));
  });
  return element("table", {}, element("caption", {}, ...(data.runs.length > 1 ? [runName(run), ", "] : []), "loss " + loss.toFixed(3)),
    element("tbody", {}, ...rows));
}

function examples() {
  const found = data.examples.found;
  if (!found) return section("examples", "Listen", element("p", {}, data.examples.missing));
  const cards = found.clips.map((clip) => {
    let player;
    if (clip.audio.found) {
      player = element("audio", { controls: true, preload: "metadata", src: "data:audio/mpeg;base64," + clip.audio.found });
      player.setAttribute("aria-label", "Excerpt of " + clip.track);
      player.addEventListener("loadedmetadata", () => { player.dataset.seconds = player.duration.toFixed(2); });
      player.addEventListener("error", () => { player.dataset.failed = player.error?.message ?? "unknown"; });
      // One at a time.
      player.addEventListener("play", () => {
        for (const other of document.querySelectorAll("audio")) if (other !== player) other.pause();
      });
    } else {
      player = element("p", { className: "weak" }, clip.audio.missing);
    }
    const about = [clip.chosen, clip.artist, clip.secs > 0 ? clip.secs.toFixed(1) + " s from " + clip.start_secs.toFixed(1) + " s" : ""];
    return element("article", { className: "clip" },
      element("h3", {}, clip.track),
      element("p", { className: "weak" }, about.filter(Boolean).join(" · ")), player,
      element("p", { className: "weak" }, "Labelled: " + (clip.labels.join(", ") || "nothing")),
      ...clip.answers.map(answerTable));
  });
  const licences = found.licences.length > 0
    ? element("p", { className: "weak" }, "Licences and sources, as the data set states them: " + found.licences.join("; ") + ".") : null;
  section("examples", "Listen", element("p", { className: "weak" }, found.note), licences ?? "",
    cards.length > 0 ? element("div", { className: "clips" }, ...cards) : element("p", {}, "There is no track to listen to."));
}

function notes() {
  const rows = data.runs.flatMap((run, index) => run.pins.map((pin) => [runLabel(index), pin.step, pin.text]));
  if (rows.length > 0) section("notes", "Notes", table("Pinned to steps", [["Run", false], ["Step", true, 0], ["Note", false]], rows));
}

function events() {
  const parts = data.runs.map((run, index) => {
    const rows = run.events.map(([at, step, words]) => [at, step, words]);
    const list = table(rows.length + " events", [["When", false], ["Step", true, 0], ["What", false]], rows);
    return element("details", { open: data.runs.length === 1 && rows.length <= 30 }, element("summary", {}, runLabel(index)), list);
  });
  section("events", "Events", ...parts);
}

function configuration() {
  const parts = data.runs.map((run, index) => element("details", {},
    element("summary", {}, runLabel(index)),
    table("Settings in effect", [["Setting", false], ["Value", false]], run.settings),
    element("h3", {}, "run.toml"), element("pre", { tabIndex: 0 }, run.configuration)));
  section("configuration", "Configuration", ...parts);
}

document.getElementById("made").textContent = "Made " + data.made + ". Everything is in this file; nothing is loaded.";
summary();
curves();
compared();
tags();
examples();
notes();
events();
configuration();
document.documentElement.dataset.ready = "yes";

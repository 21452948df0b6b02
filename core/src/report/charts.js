"use strict";
// Charts of curves on canvas: zoom by dragging, values under the pointer, logarithmic axes, smoothing with the raw range behind it.
//
// A point of a curve is [step, lowest, mean, highest, n]: n neighbouring values that were put together before they came into the page.
// Charts share what is in view and the cursor, as in the window.

// What goes wrong is kept where a reader, and a test, can find it.
addEventListener("error", (event) => { document.documentElement.dataset.error = event.message; });
document.addEventListener("securitypolicyviolation", (event) => {
  document.documentElement.dataset.error = "blocked: " + event.violatedDirective + " " + event.blockedURI;
});

const MARGIN = { left: 62, right: 10, top: 8, bottom: 34 };
const N_COLOURS = 7;

/// A number for people.
function numberText(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(4)));
}

function seriesColour(index) {
  const style = getComputedStyle(document.documentElement);
  return style.getPropertyValue("--series-" + (index % N_COLOURS)).trim();
}

/// What a horizontal axis counts.
const AXES = { step: "step", epoch: "epoch", time: "time of work (s)", clips: "clips seen" };

/// The value at `x` on the broken line through points that rise.
function along(points, x) {
  let low = 0, high = points.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (points[middle][0] <= x) low = middle; else high = middle - 1;
  }
  const [x0, y0] = points[low];
  const next = points[low + 1];
  return next ? y0 + (next[1] - y0) * (x - x0) / (next[0] - x0) : y0;
}

/// What all charts share.
class View {
  constructor(runs) {
    this.runs = runs;
    this.axis = "step";
    this.range = null;
    this.cursor = null;
    // So many values the moving average is over.
    this.smoothing = 1;
    this.hiddenRuns = new Set();
    this.charts = [];
  }

  /// Where a step of a run lies along the axis.
  place(run, step) {
    if (this.axis === "step") return step;
    const ruler = this.runs[run].rulers[this.axis];
    if (ruler) return along(ruler, step);
    const starts = this.runs[run].epoch_starts;
    if (starts.length === 0) return step;
    let at = starts.length - 1;
    while (at > 0 && starts[at][1] > step) at -= 1;
    const [epoch, start] = starts[at];
    const next = starts[at + 1];
    const length = Math.max(1, next ? next[1] - start : this.runs[run].steps_per_epoch ?? step - start);
    return epoch + (step - start) / length;
  }

  whole() {
    let low = Infinity, high = -Infinity;
    for (const chart of this.charts) {
      for (const trace of chart.traces) {
        if (trace.points.length === 0) continue;
        low = Math.min(low, this.place(trace.run, trace.points[0][0]));
        high = Math.max(high, this.place(trace.run, trace.points[trace.points.length - 1][0]));
      }
    }
    if (low > high) return [0, 1];
    const air = (high - low) * 0.015 || 0.5;
    return [low - air, high + air];
  }

  shown() { return this.range ?? this.whole(); }

  zoom(range) {
    this.range = range && range[1] - range[0] > 1e-9 ? range : null;
    this.redraw();
  }

  redraw() { for (const chart of this.charts) chart.draw(); }
}

class Chart {
  constructor(host, title, unit, traces, view) {
    this.title = title;
    this.unit = unit;
    this.traces = traces;
    this.view = view;
    this.isLog = false;
    this.hidden = new Set();
    this.dragFrom = null;
    this.dragTo = null;
    view.charts.push(this);
    this.build(host);
  }

  build(host) {
    const figure = element("figure");
    const log = element("input", { type: "checkbox" });
    log.addEventListener("change", () => { this.isLog = log.checked; this.draw(); });
    const names = [...new Set(this.traces.map((trace) => trace.name))];
    const one = this.view.runs.length === 1;
    const toggles = names.map((name, index) => {
      const swatch = element("span", { className: "swatch" });
      if (one) swatch.style.background = "var(--series-" + (index % N_COLOURS) + ")";
      const button = toggle(name, (on) => {
        if (on) this.hidden.delete(name); else this.hidden.add(name);
        this.draw();
      });
      if (one) button.prepend(swatch);
      return button;
    });
    const heading = this.unit ? this.title + " (" + this.unit + ")" : this.title;
    this.canvas = element("canvas", { tabIndex: 0 });
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", this.title + ": " + this.description() + " Arrow keys move the cursor, plus and minus zoom, 0 shows everything.");
    this.readout = element("div", { className: "readout", hidden: true });
    this.live = element("p", { className: "unseen" });
    this.live.setAttribute("aria-live", "polite");
    figure.append(
      element("h3", {}, heading),
      element("div", { className: "controls" }, ...toggles, element("label", {}, log, "logarithmic")),
      this.canvas, this.readout, this.caption(), this.live);
    host.append(figure);
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  /// In words, for who does not see it.
  description() {
    const parts = this.traces.map((trace) => {
      const last = trace.points[trace.points.length - 1];
      return this.nameOf(trace) + " ends at " + numberText(last[2]);
    });
    return parts.slice(0, 8).join("; ") + ".";
  }

  caption() {
    const most = Math.max(...this.traces.map((trace) => trace.n_per_point));
    const text = most > 1
      ? "A point stands for up to " + most.toLocaleString("en-US") + " measured values; the pale band reaches from the lowest to the highest of them."
      : "Every measured value is a point.";
    return element("figcaption", {}, text);
  }

  nameOf(trace) {
    const runs = this.view.runs;
    return runs.length === 1 ? trace.name : runs[trace.run].title + ", " + trace.name;
  }

  look(trace) {
    const names = [...new Set(this.traces.map((other) => other.name))];
    const at = names.indexOf(trace.name);
    if (this.view.runs.length === 1) return { colour: seriesColour(at), dash: [] };
    const round = Math.floor(trace.run / N_COLOURS);
    const dash = trace.is_marked || names.length === 1 ? [] : [5, 3];
    return { colour: seriesColour(trace.run), dash: round > 0 ? [2 + 2 * round, 2] : dash };
  }

  visible() {
    return this.traces.filter((trace) => !this.hidden.has(trace.name) && !this.view.hiddenRuns.has(trace.run));
  }

  /// [x, lowest, line, highest, n] of a trace; the line is smoothed as asked for, as if each single value had been.
  values(trace) {
    const keep = 1 - 1 / this.view.smoothing;
    let average = 0, weight = 0;
    return trace.points.map(([step, low, mean, high, n]) => {
      let line = mean;
      if (!trace.is_marked && keep > 0) {
        const old = Math.pow(keep, n);
        average = old * average + (1 - old) * mean;
        weight = old * weight + (1 - old);
        line = average / weight;
      }
      return [this.view.place(trace.run, step), low, line, high, n];
    });
  }

  listen() {
    const canvas = this.canvas;
    const at = (event) => event.clientX - canvas.getBoundingClientRect().left;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.dragFrom = this.dragTo = at(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.dragFrom !== null) this.dragTo = at(event);
      this.moveCursor(this.fromPixels(at(event)));
    });
    canvas.addEventListener("pointerup", () => {
      const [from, to] = [this.dragFrom, this.dragTo];
      this.dragFrom = this.dragTo = null;
      if (from !== null && Math.abs(to - from) > 5) {
        const ends = [this.fromPixels(from), this.fromPixels(to)];
        this.view.zoom([Math.min(...ends), Math.max(...ends)]);
      } else {
        this.view.redraw();
      }
    });
    canvas.addEventListener("pointercancel", () => { this.dragFrom = this.dragTo = null; this.draw(); });
    canvas.addEventListener("pointerleave", () => this.moveCursor(null));
    canvas.addEventListener("blur", () => this.moveCursor(null));
    canvas.addEventListener("dblclick", () => this.view.zoom(null));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const [low, high] = this.view.shown();
    const at = this.view.cursor ?? (low + high) / 2;
    const step = (high - low) / 60;
    const around = (factor) => [at - (at - low) * factor, at + (high - at) * factor];
    if (event.key === "ArrowLeft") this.moveCursor(Math.max(low, at - step));
    else if (event.key === "ArrowRight") this.moveCursor(Math.min(high, at + step));
    else if (event.key === "+" || event.key === "=") this.view.zoom(around(0.5));
    else if (event.key === "-") this.view.zoom(around(2));
    else if (event.key === "0" || event.key === "Escape") this.view.zoom(null);
    else return;
    event.preventDefault();
    this.live.textContent = this.readings().map((reading) => reading.name + " " + numberText(reading.value)).join("; ");
  }

  moveCursor(x) {
    this.view.cursor = x;
    this.view.redraw();
    this.readout.hidden = x === null;
    if (x === null) return;
    const axis = this.view.axis;
    const lines = this.readings().map((reading) => {
      const swatch = element("span", { className: "swatch" });
      swatch.style.background = reading.colour;
      const range = reading.n > 1
        ? "  (" + numberText(reading.low) + " to " + numberText(reading.high) + ", " + reading.n + " values)" : "";
      return element("div", {}, swatch, reading.name + ": " + numberText(reading.value) + range);
    });
    this.readout.replaceChildren(element("strong", {}, AXES[axis] + " " + numberText(axis === "step" || axis === "clips" ? Math.round(x) : x)), ...lines);
    const left = this.toPixels(x);
    const isRight = left > this.canvas.clientWidth / 2;
    this.readout.style.top = this.canvas.offsetTop + 6 + "px";
    this.readout.style.left = isRight ? "auto" : left + 24 + "px";
    this.readout.style.right = isRight ? this.canvas.clientWidth - left + 24 + "px" : "auto";
  }

  /// What each curve is worth at the cursor: at its nearest point.
  readings() {
    const x = this.view.cursor;
    if (x === null) return [];
    return this.visible().flatMap((trace) => {
      const values = this.values(trace);
      if (values.length === 0) return [];
      let best = values[0];
      for (const value of values) if (Math.abs(value[0] - x) < Math.abs(best[0] - x)) best = value;
      return [{ name: this.nameOf(trace), colour: this.look(trace).colour, low: best[1], value: best[2], high: best[3], n: best[4] }];
    });
  }

  toPixels(x) {
    const [low, high] = this.view.shown();
    return MARGIN.left + (x - low) / (high - low) * (this.canvas.clientWidth - MARGIN.left - MARGIN.right);
  }

  fromPixels(pixels) {
    const [low, high] = this.view.shown();
    return low + (pixels - MARGIN.left) / (this.canvas.clientWidth - MARGIN.left - MARGIN.right) * (high - low);
  }

  /// The range of the values in view: all lines and marks, and of the bands all but the highest fiftieth.
  extent(curves) {
    const [from, to] = this.view.shown();
    let low = Infinity, high = -Infinity;
    const tops = [];
    for (const { values } of curves) {
      for (const [x, lowest, line, highest] of values) {
        if (x < from || x > to) continue;
        for (const value of [lowest, line]) {
          if (this.isLog && value <= 0) continue;
          low = Math.min(low, value);
          high = Math.max(high, value);
        }
        tops.push(highest);
      }
    }
    if (tops.length > 0) high = Math.max(high, tops.sort((a, b) => a - b)[Math.floor((tops.length - 1) * 0.98)]);
    if (!(low <= high)) return this.isLog ? [0.1, 1] : [0, 1];
    if (this.isLog) {
      const air = low < high ? Math.pow(high / low, 0.05) : 2;
      return [low / air, high * air];
    }
    const air = (high - low) * 0.06 || Math.abs(high) * 0.1 || 0.5;
    return [low - air, high + air];
  }

  draw() {
    const canvas = this.canvas;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (width < 40 || height < 40) return;
    const ratio = Math.max(devicePixelRatio || 1, 1);
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const curves = this.visible().map((trace) => ({ trace, values: this.values(trace), look: this.look(trace) }));
    const [low, high] = this.extent(curves);
    const scale = this.isLog ? Math.log10 : (value) => value;
    const [bottom, top] = [height - MARGIN.bottom, MARGIN.top];
    const y = (value) => bottom - (scale(value) - scale(low)) / (scale(high) - scale(low)) * (bottom - top);
    this.axes(pen, width, [bottom, top], [low, high], y);
    pen.save();
    pen.beginPath();
    pen.rect(MARGIN.left, top, width - MARGIN.left - MARGIN.right, bottom - top);
    pen.clip();
    let nDrawn = 0;
    for (const curve of curves) this.band(pen, curve, y);
    for (const curve of curves) nDrawn += this.line(pen, curve, y);
    const style = getComputedStyle(document.documentElement);
    if (this.view.cursor !== null) {
      pen.strokeStyle = style.getPropertyValue("--weak");
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(this.toPixels(this.view.cursor), top);
      pen.lineTo(this.toPixels(this.view.cursor), bottom);
      pen.stroke();
    }
    if (this.dragFrom !== null) {
      pen.fillStyle = style.getPropertyValue("--accent");
      pen.globalAlpha = 0.15;
      pen.fillRect(this.dragFrom, top, this.dragTo - this.dragFrom, bottom - top);
      pen.globalAlpha = 1;
    }
    pen.restore();
    canvas.dataset.points = nDrawn;
  }

  usable(value) { return Number.isFinite(value) && (!this.isLog || value > 0); }

  band(pen, { trace, values, look }, y) {
    // The raw range: what was put together, and what smoothing hides.
    if (trace.is_marked || (trace.n_per_point === 1 && this.view.smoothing <= 1)) return;
    if (this.view.runs.length - this.view.hiddenRuns.size > 3) return;
    const shown = values.filter(([, lowest]) => this.usable(lowest));
    if (shown.length < 2) return;
    pen.fillStyle = pen.strokeStyle = look.colour;
    pen.setLineDash([]);
    if (trace.n_per_point === 1) {
      pen.globalAlpha = 0.3;
      pen.lineWidth = 1;
      pen.beginPath();
      for (const [x, lowest] of shown) pen.lineTo(this.toPixels(x), y(lowest));
      pen.stroke();
    } else {
      pen.globalAlpha = 0.18;
      pen.beginPath();
      for (const [x, lowest] of shown) pen.lineTo(this.toPixels(x), y(lowest));
      for (const [x, , , highest] of shown.slice().reverse()) pen.lineTo(this.toPixels(x), y(highest));
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  /// Gives how many points lie in view.
  line(pen, { trace, values, look }, y) {
    pen.strokeStyle = pen.fillStyle = look.colour;
    pen.lineWidth = trace.is_marked ? 1.8 : 1.4;
    pen.lineJoin = "round";
    pen.setLineDash(look.dash);
    pen.beginPath();
    const [from, to] = this.view.shown();
    let isBegun = false, nShown = 0;
    const inView = [];
    for (const [x, , value] of values) {
      if (!this.usable(value)) { isBegun = false; continue; }
      const place = [this.toPixels(x), y(value)];
      if (isBegun) pen.lineTo(...place); else pen.moveTo(...place);
      isBegun = true;
      if (x >= from && x <= to) { nShown += 1; inView.push(place); }
    }
    pen.stroke();
    pen.setLineDash([]);
    // A single value is a line of no length; many marks say no more than the line.
    if ((trace.is_marked && inView.length <= 120) || inView.length === 1) {
      for (const [px, py] of inView) {
        pen.beginPath();
        pen.arc(px, py, 2.6, 0, 2 * Math.PI);
        pen.fill();
      }
    }
    return nShown;
  }

  axes(pen, width, [bottom, top], [low, high], y) {
    const style = getComputedStyle(document.documentElement);
    const [ink, grid] = [style.getPropertyValue("--weak"), style.getPropertyValue("--grid")];
    pen.font = "11px 'DejaVu Sans', Verdana, sans-serif";
    pen.lineWidth = 1;
    pen.setLineDash([]);
    pen.fillStyle = ink;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    const mark = (draw) => { pen.strokeStyle = grid; pen.beginPath(); draw(); pen.stroke(); };
    for (const value of this.isLog ? logTicks(low, high) : ticks(low, high, 5)) {
      mark(() => { pen.moveTo(MARGIN.left, y(value)); pen.lineTo(width - MARGIN.right, y(value)); });
      pen.fillText(numberText(value), MARGIN.left - 6, y(value));
    }
    pen.textAlign = "center";
    pen.textBaseline = "top";
    const [from, to] = this.view.shown();
    for (const value of ticks(from, to, Math.max(2, Math.floor(width / 110)))) {
      const x = this.toPixels(value);
      mark(() => { pen.moveTo(x, bottom); pen.lineTo(x, top); });
      pen.fillText(numberText(value), x, bottom + 4);
    }
    pen.fillText(AXES[this.view.axis], (MARGIN.left + width - MARGIN.right) / 2, bottom + 18);
    pen.strokeStyle = style.getPropertyValue("--line");
    pen.strokeRect(MARGIN.left, top, width - MARGIN.left - MARGIN.right, bottom - top);
  }
}

/// Round numbers between two.
function ticks(low, high, nWanted) {
  const rough = (high - low) / nWanted;
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = [1, 2, 5, 10].map((times) => times * power).find((candidate) => candidate >= rough * 0.999) ?? power * 10;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9 && found.length < 50; at += 1) {
    found.push(Number((at * step).toPrecision(12)));
  }
  return found;
}

function logTicks(low, high) {
  const times = Math.log10(high / low) > 3 ? [1] : [1, 2, 5];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const time of times) {
      const value = time * Math.pow(10, power);
      if (value >= low && value <= high) found.push(value);
    }
  }
  return found;
}

// One series as a uPlot chart: values with intervals, levels around change points, failures, tooltip, zoom.
// Knows nothing of pages or URLs: it draws what it is given and reports what was asked for by callbacks.

import { COMMIT_STEPS, DATE_STEPS, ascending, dateStyle, format, interpolate, nearest, tick } from "./chart-axes.js";
import { WHISKERS_UP_TO, colour, drawBands, drawIntervals, drawLevels } from "./chart-canvas.js";

const uPlot = window.uPlot;
const CLICK_SLOP = 4; // pixels a pointer may move and still mean a click, not a drag

/** A chart in `host`. `chart` is the page's data, `points` the API's; `on` = { open(point), choose(point), zoom(range | null), hover(text) }. */
export class SeriesChart {
  constructor(host, chart, points, on) {
    this.host = host;
    this.chart = chart;
    this.on = on;
    this.options = { fromZero: false, log: false, ratio: false, byDate: false };
    this.chosen = null; // the point that "relative" counts from; until one is clicked, the first
    this.tip = element("div", "tip");
    this.tip.hidden = true;
    this.show(points);
    new ResizeObserver(() => this.resize()).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.build(this.view));
    document.addEventListener("theme", () => this.build(this.view));
  }

  /** Draw these points from scratch, all of them in view. */
  show(points) {
    // commits that failed after the newest measurement belong to the picture
    const last = this.chart.failures.reduce((at, failure) => Math.max(at, failure.position), points.at(-1).position);
    this.full = [points[0].position - 0.5, last + 0.5];
    this.whole = { first: points[0], positions: points.map((p) => p.position), times: ascending(points.map((p) => Date.parse(p.committed_at) / 1000)) };
    this.load(points);
    this.build();
  }

  /** Replace the points, keep the view. */
  refine(points) {
    this.load(points);
    this.plot.setData(this.data, false);
    this.plot.redraw(true, true);
  }

  set(option, value) {
    this.options[option] = value;
    this.compute();
    this.build(this.view);
  }

  /** What values are divided by, and what stands behind them. */
  get factor() {
    return (this.options.ratio && (this.chosen ?? this.whole.first).value) || this.chart.factor;
  }

  get unit() {
    return this.options.ratio ? "×" : this.chart.unit;
  }

  /** Where a position of the branch lies on the x axis (seconds, or the position itself), and back. */
  toX(position) {
    return this.options.byDate ? interpolate(this.whole.positions, this.whole.times, position) : position;
  }

  toPosition(x) {
    return this.options.byDate ? interpolate(this.whole.times, this.whole.positions, x) : x;
  }

  range() {
    return [this.plot.scales.x.min, this.plot.scales.x.max];
  }

  reset() {
    this.zoom(...this.full.map((position) => this.toX(position)));
  }

  zoom(min, max) {
    this.plot.setScale("x", { min, max });
  }

  load(points) {
    this.points = points;
    this.dateStyle = dateStyle(new Date(points[0].committed_at), new Date(points.at(-1).committed_at));
    this.compute();
  }

  compute() {
    const scaled = (value) => (value === null ? null : value / this.factor);
    this.low = this.points.map((p) => scaled(p.low));
    this.high = this.points.map((p) => scaled(p.high));
    this.data = [this.points.map((p) => this.toX(p.position)), this.points.map((p) => scaled(p.value))];
  }

  build(range = this.full) {
    this.plot?.destroy();
    this.view = range; // positions; the plot itself knows its range only after it has drawn
    this.overlays = [];
    this.host.replaceChildren();
    this.plot = new uPlot(this.settings(range.map((position) => this.toX(position))), this.data, this.host);
    this.plot.over.append(this.tip);
    this.addOverlays();
    this.listen();
    this.place();
  }

  size() {
    return { width: this.host.clientWidth, height: this.host.clientHeight };
  }

  resize() {
    if (this.host.clientWidth && this.host.clientWidth !== this.plot.width) this.plot.setSize(this.size());
  }

  settings(range) {
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return {
      ...this.size(),
      padding: [30, 12, 0, 0], // room above for the labels of change points
      legend: { show: false },
      cursor: { drag: { x: true, y: false, dist: CLICK_SLOP }, y: false, points: { size: 9, width: 2, stroke: colour("--surface"), fill: colour("--ink") } },
      scales: {
        x: { time: false, min: range[0], max: range[1] },
        y: { distr: this.options.log ? 3 : 1, range: (u, min, max) => this.yRange(min, max) },
      },
      axes: [
        { ...axis, size: 30, space: 110, incrs: this.options.byDate ? DATE_STEPS : COMMIT_STEPS, values: (u, splits) => splits.map((at) => this.dateAt(at)) },
        { ...axis, size: 78, space: 44, values: (u, splits) => splits.map((v) => (v === null ? "" : tick(v, splits, this.unit))) },
      ],
      series: [
        {},
        { stroke: colour("--link"), width: 1.5, points: { show: this.points.length <= WHISKERS_UP_TO, size: 6, width: 1, fill: colour("--surface"), stroke: colour("--link") } },
      ],
      hooks: {
        drawClear: [(u) => drawBands(this, u)],
        draw: [(u) => drawIntervals(this, u), (u) => drawLevels(this, u)],
        setScale: [(u, key) => key === "x" && this.scaled()],
        setCursor: [(u) => this.hover(u)],
        setSize: [() => this.place()],
      },
    };
  }

  yRange(min, max) {
    if (min === null || max === null) return [0, 1];
    for (const mark of this.chart.marks) {
      if (this.toX(mark.after) < this.plot?.scales.x.min || this.toX(mark.before) > this.plot?.scales.x.max) continue;
      min = Math.min(min, mark.levelBefore / this.factor, mark.levelAfter / this.factor);
      max = Math.max(max, mark.levelBefore / this.factor, mark.levelAfter / this.factor);
    }
    if (this.options.log && min > 0) return [min / 1.1, max * 1.1];
    [min, max] = this.withIntervals(min, max);
    // a quiet series must look quiet: the axis spans at least 4 % of the value
    const room = Math.max((max - min) * 0.12, Math.abs(max) * 0.02) || 1;
    return this.options.fromZero && min >= 0 ? [0, max + room] : [min - room, max + room];
  }

  /** The range widened to hold the intervals in view, by at most half: one wild interval must not flatten the rest. */
  withIntervals(min, max) {
    const from = this.plot?.scales.x.min ?? -Infinity, to = this.plot?.scales.x.max ?? Infinity;
    const shown = (bounds) => bounds.filter((v, i) => v !== null && this.data[0][i] >= from && this.data[0][i] <= to);
    const half = (max - min) / 2;
    const low = shown(this.low).reduce((a, b) => Math.min(a, b), min), high = shown(this.high).reduce((a, b) => Math.max(a, b), max);
    return [Math.max(low, min - half), Math.min(high, max + half)];
  }

  dateAt(x) {
    const position = this.toPosition(x);
    if (position < this.full[0] || position > this.full[1]) return "";
    if (this.options.byDate) return new Date(x * 1000).toLocaleString("en", { ...this.dateStyle, timeZone: "UTC" });
    const point = this.points[nearest(this.data[0], x)];
    return new Date(point.committed_at).toLocaleString("en", { ...this.dateStyle, timeZone: "UTC" });
  }

  // -- things above the canvas: links, tooltip -------------------------------------------------------

  addOverlays() {
    const add = (css, text, position, href, label) => {
      const link = element("a", css, text);
      link.href = href;
      link.title = label;
      link.setAttribute("aria-label", label);
      this.plot.over.append(link);
      this.overlays.push([link, position]);
    };
    for (const mark of this.chart.marks)
      add(`mark ${mark.tone}`, mark.label, (mark.before + mark.after) / 2, mark.href, `Change of ${mark.label}: details`);
    for (const failure of this.chart.failures) add("cross", "×", failure.position, failure.href, failure.label);
    for (const flag of this.chart.flags) {
      const node = element("div", flag.tag ? "flag" : "flag around"), said = element("span", "", flag.label);
      said.title = flag.label;
      node.append(said);
      this.plot.over.append(node);
      this.overlays.push([node, flag.position]);
    }
  }

  place() {
    const { min, max } = this.plot.scales.x;
    for (const [node, position] of this.overlays) {
      const x = this.toX(position);
      node.hidden = x < min || x > max;
      node.style.left = `${this.plot.valToPos(x, "x")}px`;
    }
    for (const node of this.plot.over.querySelectorAll(".mark")) node.style.top = "-26px";
  }

  scaled() {
    if (!this.plot) return;
    this.place();
    const [min, max] = this.range().map((x) => this.toPosition(x));
    this.view = [min, max];
    const whole = min <= this.full[0] && max >= this.full[1];
    this.host.dataset.min = min;
    this.host.dataset.max = max;
    this.on.zoom(whole ? null : [Math.ceil(min), Math.floor(max)]);
  }

  hover(u) {
    const index = u.cursor.idx;
    if (index === null || index === undefined || u.cursor.left < 0) {
      this.tip.hidden = true;
      return;
    }
    const point = this.points[index], unit = this.unit;
    const interval = this.low[index] === null ? "" : `${format(this.low[index], unit)} to ${format(this.high[index], unit)}`;
    this.tip.replaceChildren(
      element("b", "", format(this.data[1][index], unit)),
      element("div", "", interval),
      element("div", "sha", point.commit.slice(0, 10)),
      element("div", "", point.subject),
      element("div", "faint", `${point.author}, ${point.committed_at.slice(0, 10)}`),
    );
    this.tip.hidden = false;
    this.tip.style.maxWidth = `${Math.min(320, u.over.clientWidth)}px`;
    const x = u.valToPos(this.data[0][index], "x"), y = u.valToPos(this.data[1][index], "y");
    const [left, top] = this.besides(x, y, u.over.clientWidth, u.over.clientHeight);
    this.tip.style.left = `${left}px`;
    this.tip.style.top = `${top}px`;
    this.on.hover(`${point.commit.slice(0, 10)}: ${format(this.data[1][index], unit)}. ${point.subject}`);
  }

  /** Where the tooltip goes: beside the point, or, where that is too narrow, in the half the point is not in. */
  besides(x, y, width, height) {
    const { offsetWidth: w, offsetHeight: h } = this.tip;
    const fits = x + 14 + w <= width || x - 14 - w >= 0;
    const left = !fits ? Math.max(0, Math.min(x - w / 2, width - w)) : x + 14 + w <= width ? x + 14 : x - 14 - w;
    const top = fits ? Math.max(0, Math.min(y - h / 2, height - h)) : y > height / 2 ? 0 : height - h;
    return [left, top];
  }

  // -- pointer and keyboard --------------------------------------------------------------------------

  listen() {
    const over = this.plot.over;
    let pressed = null;
    over.addEventListener("mousedown", (event) => (pressed = event.target.closest("a") ? null : event.clientX));
    over.addEventListener("dblclick", () => this.reset());
    over.addEventListener("click", (event) => {
      const index = this.plot.cursor.idx;
      if (pressed === null || Math.abs(event.clientX - pressed) > CLICK_SLOP || index === null) return;
      const x = this.plot.valToPos(this.data[0][index], "x"), y = this.plot.valToPos(this.data[1][index], "y");
      const box = over.getBoundingClientRect();
      if (Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y) < 14) this.choose(this.points[index]);
    });
    this.host.onkeydown = (event) => this.key(event);
  }

  choose(point) {
    this.chosen = point;
    if (this.options.ratio) this.set("ratio", true);
    this.on.choose(point);
  }

  key(event) {
    if (event.target !== this.host || event.ctrlKey || event.metaKey || event.altKey) return;
    const [min, max] = this.range(), middle = (min + max) / 2, half = (max - min) / 2;
    const moves = {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      " ": () => this.plot.cursor.idx !== null && this.choose(this.points[this.plot.cursor.idx]),
      Enter: () => this.plot.cursor.idx !== null && this.on.open(this.points[this.plot.cursor.idx]),
      "+": () => this.zoom(middle - half / 2, middle + half / 2),
      "=": () => this.zoom(middle - half / 2, middle + half / 2),
      "-": () => this.zoom(Math.max(this.toX(this.full[0]), middle - half * 2), Math.min(this.toX(this.full[1]), middle + half * 2)),
      Escape: () => this.reset(),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  step(by) {
    const now = this.plot.cursor.idx ?? (by > 0 ? -1 : this.points.length);
    const index = Math.max(0, Math.min(this.points.length - 1, now + by));
    this.plot.setCursor({ left: this.plot.valToPos(this.data[0][index], "x"), top: this.plot.valToPos(this.data[1][index], "y") });
  }
}

function element(tag, css, text = "") {
  const node = document.createElement(tag);
  if (css) node.className = css;
  node.textContent = text;
  return node;
}

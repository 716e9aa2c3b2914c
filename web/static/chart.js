// One series as a uPlot chart: values with intervals, levels around change points, failures, tooltip, zoom.
// Knows nothing of pages or URLs: it draws what it is given and reports what was asked for by callbacks.

import { COMMIT_STEPS, DATE_STEPS, ascending, dateStyle, format, interpolate, nearest, tick } from "./chart-axes.js";
import { WHISKERS_UP_TO, colour, drawBands, drawIntervals, drawLevels } from "./chart-canvas.js";
import { CLICK_SLOP, key, listenToPointer } from "./chart-input.js";
import { addOverlays, element, place, tell } from "./chart-overlays.js";

const uPlot = window.uPlot;

/** Charts of one page share their cursor, by where it is on the x axis. */
export const SYNC = { key: "positions", scales: ["x", null], filters: { pub: (type) => type === "mousemove", sub: (type) => type === "mousemove" } };

/** A chart in `host`. `chart` is the page's data, `line` its points; `on` = { open(position), choose(position), zoom(range | null), hover(text), changed() }. */
export class SeriesChart {
  constructor(host, chart, line, on) {
    this.host = host;
    this.chart = chart;
    this.on = on;
    this.options = { fromZero: false, log: false, ratio: false, byDate: false };
    this.base = null; // the value that "relative" counts from; until a point is clicked, the first
    this.texts = new Map();
    this.tip = element("div", "tip");
    this.tip.hidden = true;
    this.show(line);
    new ResizeObserver(() => this.resize()).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.build(this.view));
    document.addEventListener("theme", () => this.build(this.view));
    host.addEventListener("keydown", (event) => key(this, event));
  }

  /** Draw these points from scratch, all of them in view. */
  show(line) {
    // commits that failed after the newest measurement belong to the picture
    const last = this.chart.failures.reduce((at, failure) => Math.max(at, failure.position), line.position.at(-1));
    this.full = [line.position[0] - 0.5, last + 0.5];
    this.whole = { first: line.value[0], positions: line.position, times: ascending(line.time) };
    this.load(line);
    this.build();
  }

  /** Replace the points, keep the view. */
  refine(line) {
    this.load(line);
    this.plot.setData(this.data, false);
    this.plot.redraw(true, true);
  }

  /** The commits of the points have come: position -> { commit, subject, author }. */
  name(texts) {
    this.texts = texts;
    if (this.plot.cursor.left >= 0) this.hover(this.plot);
  }

  textsOf(index) {
    return this.texts.get(this.line.position[index]);
  }

  set(option, value) {
    this.options[option] = value;
    this.compute();
    this.build(this.view);
    this.on.changed();
  }

  /** What values are divided by, and what stands behind them. */
  get factor() {
    return (this.options.ratio && (this.base ?? this.whole.first)) || this.chart.factor;
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

  /** What is in view, on the x axis. */
  range() {
    const { min, max } = this.plot.scales.x;
    return min === null || min === undefined ? this.view.map((position) => this.toX(position)) : [min, max];
  }

  /** Where a point lies above the canvas, in pixels of the page. */
  at(index) {
    return [this.plot.valToPos(this.data[0][index], "x"), this.plot.valToPos(this.data[1][index], "y")];
  }

  reset() {
    this.zoom(...this.full.map((position) => this.toX(position)));
  }

  zoom(min, max) {
    this.plot.setScale("x", { min, max });
  }

  load(line) {
    this.line = line;
    this.dateStyle = dateStyle(new Date(line.time[0] * 1000), new Date(line.time.at(-1) * 1000));
    this.compute();
  }

  compute() {
    const factor = this.factor, scaled = (column) => column.map((value) => value / factor);
    this.low = scaled(this.line.low);
    this.high = scaled(this.line.high);
    this.data = [this.line.position.map((position) => this.toX(position)), scaled(this.line.value)];
  }

  build(range = this.full) {
    this.plot?.destroy();
    this.view = range; // positions; the plot itself knows its range only after it has drawn
    this.host.replaceChildren();
    this.plot = new uPlot(this.settings(range.map((position) => this.toX(position))), this.data, this.host);
    this.plot.over.append(this.tip);
    this.overlays = addOverlays(this, this.plot.over);
    listenToPointer(this, this.plot.over);
    place(this);
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
      cursor: { drag: { x: true, y: false, dist: CLICK_SLOP }, y: false, points: { size: 9, width: 2, stroke: colour("--surface"), fill: colour("--ink") }, sync: SYNC },
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
        { stroke: colour("--link"), width: 1.5, points: { show: this.line.length <= WHISKERS_UP_TO, size: 6, width: 1, fill: colour("--surface"), stroke: colour("--link") } },
      ],
      hooks: {
        drawClear: [(u) => drawBands(this, u)],
        draw: [(u) => drawIntervals(this, u), (u) => drawLevels(this, u)],
        setScale: [(u, name) => name === "x" && this.scaled()],
        setCursor: [(u) => this.hover(u)],
        setSize: [() => this.overlays && place(this)],
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
    const half = (max - min) / 2;
    let [low, high] = [min, max];
    this.data[0].forEach((x, i) => {
      if (x < from || x > to) return;
      if (this.low[i] < low) low = this.low[i];
      if (this.high[i] > high) high = this.high[i];
    });
    return [Math.max(low, min - half), Math.min(high, max + half)];
  }

  dateAt(x) {
    const position = this.toPosition(x);
    if (position < this.full[0] || position > this.full[1]) return "";
    const seconds = this.options.byDate ? x : this.line.time[nearest(this.data[0], x)];
    return new Date(seconds * 1000).toLocaleString("en", { ...this.dateStyle, timeZone: "UTC" });
  }

  scaled() {
    if (!this.plot) return;
    place(this);
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
    tell(this, this.tip, index);
    const texts = this.textsOf(index);
    if (texts) this.on.hover(`${texts.commit.slice(0, 10)}: ${format(this.data[1][index], this.unit)}. ${texts.subject}`);
  }

  choose(index) {
    this.base = this.line.value[index];
    const position = this.line.position[index];
    if (this.options.ratio) this.set("ratio", true);
    this.on.choose(position);
  }
}

// Small charts of a benchmark's other series below its chart: one view and one cursor for all of them.
// Each is drawn when it is scrolled to; until then, and without scripts, a drawing from the server stands there.

import { format, nearest, tick } from "./chart-axes.js";
import { colour } from "./chart-canvas.js";
import { CLICK_SLOP } from "./chart-input.js";
import { loadLine, newest } from "./chart-line.js";
import { SYNC } from "./chart.js";

const uPlot = window.uPlot;
const LIMIT = 400; // points of a small chart: more than its pixels show no more

/** The small charts of these nodes (`data-line`, `data-factor`, `data-unit`), under the SeriesChart `view`. */
export class Multiples {
  constructor(nodes, view) {
    this.all = [...nodes].map((node) => new Small(node, view));
    const seen = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
      seen.unobserve(target);
      this.all.find((small) => small.host === target).start();
    }), { rootMargin: "300px" });
    for (const small of this.all) seen.observe(small.host);
    document.addEventListener("theme", () => this.rebuild());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
  }

  /** The view is another: follow at once, and with full detail (of these positions) when it rests. */
  follow() {
    for (const small of this.all) small.follow();
  }

  async detail(range) {
    await Promise.all(this.all.map((small) => small.detail(range)));
  }

  /** Scales or theme are others. */
  rebuild() {
    for (const small of this.all) small.build();
  }
}

class Small {
  constructor(host, view) {
    this.host = host;
    this.view = view;
    this.said = host.parentElement.querySelector(".mini-value");
    this.latest = this.said.textContent;
    this.wished = newest();
  }

  async start() {
    this.whole = this.line = await loadLine(this.host.dataset.line, `?limit=${LIMIT}`);
    this.build();
  }

  build() {
    if (!this.line?.length) return;
    this.plot?.destroy();
    this.host.replaceChildren();
    this.plot = new uPlot(this.settings(), this.data(), this.host);
  }

  data() {
    const factor = Number(this.host.dataset.factor);
    return [this.line.position.map((position) => this.view.toX(position)), this.line.value.map((value) => value / factor)];
  }

  settings() {
    const [min, max] = this.view.range(), { log, fromZero } = this.view.options;
    return {
      width: this.host.clientWidth,
      height: this.host.clientHeight,
      padding: [6, 6, 2, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: false, dist: CLICK_SLOP }, y: false, points: { size: 6 }, sync: SYNC },
      scales: {
        x: { time: false, min, max },
        y: { distr: log ? 3 : 1, range: (u, low, high) => reach(low, high, log, fromZero) },
      },
      axes: [{ show: false }, { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif", size: 58, space: 30, values: (u, splits) => splits.map((v) => (v === null ? "" : tick(v, splits, this.host.dataset.unit))) }],
      series: [{}, { stroke: colour("--link"), width: 1.25, points: { show: false } }],
      hooks: { setScale: [(u, name) => name === "x" && this.scaled(u)], setCursor: [(u) => this.hover(u)], ready: [(u) => u.over.addEventListener("dblclick", () => this.view.reset())] },
    };
  }

  /** Zoomed here: all zoom. */
  scaled(u) {
    const { min, max } = u.scales.x;
    this.host.dataset.min = this.view.toPosition(min);
    this.host.dataset.max = this.view.toPosition(max);
    const [low, high] = this.view.range();
    if (this.plot && (min !== low || max !== high)) this.view.zoom(min, max);
  }

  follow() {
    const [min, max] = this.view.range(), x = this.plot?.scales.x;
    if (x && (x.min !== min || x.max !== max)) this.plot.setScale("x", { min, max });
  }

  async detail(range) {
    if (!this.whole?.thinned) return;
    const { line: address } = this.host.dataset, query = range && `?start=${range[0]}&stop=${range[1]}&limit=${LIMIT}`;
    const line = await this.wished(range === null ? this.whole : loadLine(address, query));
    if (!line?.length) return;
    this.line = line;
    this.plot.setData(this.data(), false);
    this.plot.redraw(true, true);
  }

  /** The value under the common cursor, the newest where there is none. */
  hover(u) {
    if (u.cursor.left < 0) return void (this.said.textContent = this.latest);
    const xs = u.data[0], index = nearest(xs, u.posToVal(u.cursor.left, "x"));
    this.said.textContent = format(u.data[1][index], this.host.dataset.unit);
  }
}

/** The y axis: at least 8 % of the value high, so that a quiet series looks quiet. */
function reach(low, high, log, fromZero) {
  if (low === null || high === null) return [0, 1];
  if (log && low > 0) return [low / 1.1, high * 1.1];
  const room = Math.max((high - low) * 0.12, Math.abs(high) * 0.04) || 1;
  return fromZero && low >= 0 ? [0, high + room] : [low - room, high + room];
}

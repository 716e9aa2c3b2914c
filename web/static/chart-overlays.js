// What lies above a chart's canvas: links at change points and failures, flags, the tooltip.
// `view` is the SeriesChart.

import { format } from "./chart-axes.js";

export function element(tag, css, text = "") {
  const node = document.createElement(tag);
  if (css) node.className = css;
  node.textContent = text;
  return node;
}

/** Put them there; returns pairs of a node and the position it belongs to. */
export function addOverlays(view, over) {
  const { marks, failures, flags } = view.chart;
  const found = [
    ...marks.map((mark) => [link(`mark ${mark.tone}`, mark.label, mark.href, `Change of ${mark.label}: details`), (mark.before + mark.after) / 2]),
    ...failures.map((failure) => [link("cross", "×", failure.href, failure.label), failure.position]),
    ...flags.map((flag) => [flagged(flag), flag.position]),
  ];
  over.append(...found.map(([node]) => node));
  return found;
}

function link(css, text, href, label) {
  const node = element("a", css, text);
  node.href = href;
  node.title = label;
  node.setAttribute("aria-label", label);
  return node;
}

function flagged(flag) {
  const node = element("div", flag.tag ? "flag" : "flag around"), said = element("span", "", flag.label);
  said.title = flag.label;
  node.append(said);
  return node;
}

/** Move them to where their positions are in view. */
export function place(view) {
  const { min, max } = view.plot.scales.x;
  for (const [node, position] of view.overlays) {
    const x = view.toX(position);
    node.hidden = x < min || x > max;
    node.style.left = `${view.plot.valToPos(x, "x")}px`;
  }
}

/** Say in the tooltip what the point at `index` is; its commit's texts may be on their way. */
export function tell(view, tip, index) {
  const { line, unit } = view, texts = view.textsOf(index);
  const interval = Number.isNaN(view.low[index]) ? "" : `${format(view.low[index], unit)} to ${format(view.high[index], unit)}`;
  const day = new Date(line.time[index] * 1000).toISOString().slice(0, 10);
  tip.replaceChildren(
    element("b", "", format(view.data[1][index], unit)),
    element("div", "", interval),
    element("div", "sha", texts ? texts.commit.slice(0, 10) : "…"),
    element("div", "", texts?.subject),
    element("div", "faint", texts ? `${texts.author}, ${day}` : day),
  );
  tip.hidden = false;
  const over = view.plot.over, width = over.clientWidth;
  tip.style.maxWidth = `${Math.min(320, width)}px`;
  const [left, top] = besides(tip, view.at(index), width, over.clientHeight);
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}

/** Where the tooltip goes: beside the point, or, where that is too narrow, in the half the point is not in. */
function besides(tip, [x, y], width, height) {
  const { offsetWidth: w, offsetHeight: h } = tip;
  const fits = x + 14 + w <= width || x - 14 - w >= 0;
  const left = !fits ? Math.max(0, Math.min(x - w / 2, width - w)) : x + 14 + w <= width ? x + 14 : x - 14 - w;
  const top = fits ? Math.max(0, Math.min(y - h / 2, height - h)) : y > height / 2 ? 0 : height - h;
  return [left, top];
}

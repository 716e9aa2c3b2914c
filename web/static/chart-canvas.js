// What a series' chart draws on its canvas, in device pixels: change points, intervals, levels.
// `view` is the SeriesChart, `u` its plot.

export const WHISKERS_UP_TO = 400; // visible points; beyond that whiskers blur into a band

const probe = document.createElement("span"); // light-dark() is settled in what an element shows, not in the property
probe.hidden = true;
document.body.append(probe);

/** The colour that a custom property of the page's style stands for, in the theme at hand. */
export function colour(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

/** Where a change point may lie, as a wash behind all. */
export function drawBands(view, u) {
  for (const mark of view.chart.marks) {
    const [left, right] = [mark.before, mark.after].map((position) => u.valToPos(view.toX(position), "x", true));
    u.ctx.save();
    clip(u);
    u.ctx.fillStyle = colour(`--${mark.tone}-wash`);
    u.ctx.fillRect(left, u.bbox.top, Math.max(2, right - left), u.bbox.height);
    u.ctx.restore();
  }
}

/** The interval of each point as a whisker; of many, as one band. */
export function drawIntervals(view, u) {
  const [min, max] = [u.scales.x.min, u.scales.x.max];
  u.ctx.save();
  clip(u);
  if (view.data[0].filter((x) => x >= min && x <= max).length > WHISKERS_UP_TO) {
    drawBand(view, u);
    u.ctx.restore();
    return;
  }
  u.ctx.strokeStyle = colour("--link");
  u.ctx.globalAlpha = 0.45;
  u.ctx.lineWidth = devicePixelRatio;
  u.ctx.beginPath();
  view.data[0].forEach((x, i) => {
    if (Number.isNaN(view.low[i]) || Number.isNaN(view.high[i])) return;
    const at = u.valToPos(x, "x", true);
    u.ctx.moveTo(at, u.valToPos(view.low[i], "y", true));
    u.ctx.lineTo(at, u.valToPos(view.high[i], "y", true));
  });
  u.ctx.stroke();
  u.ctx.restore();
}

/** The intervals of many points as one band. */
function drawBand(view, u) {
  const at = [...view.data[0].keys()].filter((i) => !Number.isNaN(view.low[i]) && !Number.isNaN(view.high[i]));
  const line = (bounds, order) => order.forEach((i) => u.ctx.lineTo(u.valToPos(view.data[0][i], "x", true), u.valToPos(bounds[i], "y", true)));
  u.ctx.fillStyle = colour("--link");
  u.ctx.globalAlpha = 0.18;
  u.ctx.beginPath();
  line(view.high, at);
  line(view.low, at.reverse());
  u.ctx.fill();
}

/** The levels between change points, dashed. */
export function drawLevels(view, u) {
  u.ctx.save();
  clip(u);
  u.ctx.lineWidth = 1.5 * devicePixelRatio;
  u.ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  u.ctx.strokeStyle = colour("--ink");
  for (const [from, to, level] of levels(view)) {
    const y = u.valToPos(level / view.factor, "y", true);
    u.ctx.beginPath();
    u.ctx.moveTo(u.valToPos(view.toX(from), "x", true), y);
    u.ctx.lineTo(u.valToPos(view.toX(to), "x", true), y);
    u.ctx.stroke();
  }
  u.ctx.restore();
}

/** [from, to, level] of each stretch between change points. */
function levels(view) {
  const marks = view.chart.marks;
  return marks.flatMap((mark, i) => [
    ...(i === 0 ? [[view.full[0], mark.before, mark.levelBefore]] : []),
    [mark.after, marks[i + 1]?.before ?? view.full[1], mark.levelAfter],
  ]);
}

function clip(u) {
  u.ctx.beginPath();
  u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  u.ctx.clip();
}

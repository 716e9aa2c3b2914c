// Numbers and dates as a chart's axes write them, and where things lie between known places. Pure functions.

export const COMMIT_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000];
export const DATE_STEPS = [1, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 30 * 24, 91 * 24, 182 * 24, 365 * 24, 2 * 365 * 24].map((hours) => hours * 3600);

/** Four significant digits; `unit` behind. */
export function format(value, unit) {
  if (value === null || !Number.isFinite(value)) return "–";
  const digits = value === 0 ? 0 : Math.max(0, Math.min(9, 3 - Math.floor(Math.log10(Math.abs(value)))));
  const text = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text.replace("-", "−")} ${unit}`.trim();
}

/** A tick of the y axis: as many digits as the step between ticks needs, 2 for 0.25. */
export function tick(value, splits, unit) {
  const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : Math.abs(value) || 1;
  let digits = 0;
  while (digits < 9 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6 * step * 10 ** digits) digits += 1;
  return `${value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`.trim();
}

/** How dates along the axis are written: with the hour for a short history, with the year for a long one. */
export function dateStyle(first, last) {
  const days = (last - first) / 86_400_000;
  if (days < 8) return { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false };
  const year = first.getUTCFullYear() === last.getUTCFullYear() ? {} : { year: "numeric" };
  return { day: "numeric", month: "short", ...year };
}

/** Index of the value closest to `wanted` in the ascending `values`. */
export function nearest(values, wanted) {
  let low = 0, high = values.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle;
    else high = middle;
  }
  return wanted - values[low] <= values[high] - wanted ? low : high;
}

/** The numbers, each at least the one before: commits' dates may go back, an axis may not. */
export function ascending(numbers) {
  let most = -Infinity;
  return numbers.map((number) => (most = Math.max(most, number)));
}

/** The y at `x` of the line through (xs, ys), both ascending; beyond its ends it goes on with its mean slope. */
export function interpolate(xs, ys, x) {
  const last = xs.length - 1, slope = (ys[last] - ys[0]) / (xs[last] - xs[0] || 1);
  if (x <= xs[0]) return ys[0] + (x - xs[0]) * slope;
  if (x >= xs[last]) return ys[last] + (x - xs[last]) * slope;
  let low = 0, high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  return ys[low] + ((ys[high] - ys[low]) * (x - xs[low])) / (xs[high] - xs[low] || 1);
}

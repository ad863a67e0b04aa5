/**
 * Samples into figures.
 */

/** Median, 95th percentile, least, greatest and number of some samples. */
export function summary(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  const p95 = sorted[Math.ceil(0.95 * sorted.length) - 1];
  return { median, p95, min: sorted[0], max: sorted.at(-1), n: sorted.length };
}

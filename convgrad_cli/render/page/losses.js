// Losses at the end of a chain, for numbers edited in the page; a test holds them equal to Python's.
// Each takes the last output Y and the target T, both flat, and gives { value, gradient }.

const LOSSES = {
  "sum": (Y) => ({ value: total(Y), gradient: Y.map(() => 1) }),

  "mse": (Y, T) => ({
    value: total(Y.map((y, i) => (y - T[i]) ** 2)) / Y.length,
    gradient: Y.map((y, i) => (2 * (y - T[i])) / Y.length),
  }),

  "neg-log": (Y) => ({ value: total(Y.map((y) => -Math.log(y))), gradient: Y.map((y) => -1 / y) }),

  // T holds a class number per sample, or one distribution per sample.
  "cross-entropy": (Y, T, classes) => {
    const samples = Y.length / classes;
    const wanted = T.length === Y.length ? T : Array.from(Y, (_, i) => (T[Math.floor(i / classes)] === i % classes ? 1 : 0));
    const gradient = new Float64Array(Y.length);
    let value = 0;
    for (let n = 0; n < samples; n++) {
      const row = Array.from({ length: classes }, (_, j) => n * classes + j);
      const most = Math.max(...row.map((i) => Y[i]));
      const log = most + Math.log(total(row.map((i) => Math.exp(Y[i] - most))));
      const weight = total(row.map((i) => wanted[i]));
      for (const i of row) {
        value -= wanted[i] * (Y[i] - log) / samples;
        gradient[i] = (Math.exp(Y[i] - log) * weight - wanted[i]) / samples;
      }
    }
    return { value, gradient };
  },
};

function total(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

// A pool: the windows' members are Python's; the page takes their maximum by the tie rule, or their
// sum divided by Python's divisor. Upsampling is one, with one member a window and nothing divided.

class Pool {
  constructor(layer) {
    Object.assign(this, layer.sizes);  // batch, channels
    this.ties = layer.ties;            // first, last or split; null for an average
    this.divisors = layer.divisors;    // per window, for an average; null where nothing is divided
    this.taps = spatialTaps(layer.axes);
    const length = (key) => product(layer.axes.map((axis) => axis[key]));
    this.area = { X: length("inner"), Y: length("outer") };
    this.by = { X: touching(this.taps.inner, this.area.X), Y: touching(this.taps.outer, this.area.Y) };
    this.given = ["X", "dY"];
    this.results = this.ties ? ["Y", "switches", "dX"] : ["Y", "dX"];
    this.winners = [];  // per window of every plane: the members that receive its gradient
    this.tied = [];     // per window: the members that share the maximum, where more than one does
  }

  members(y) {
    const x = Math.floor(y / this.area.Y) * this.area.X;
    return this.by.Y[y % this.area.Y].map((t) => x + this.taps.inner[t]);
  }

  windows(x) {
    const y = Math.floor(x / this.area.X) * this.area.Y;
    return this.by.X[x % this.area.X].map((t) => y + this.taps.outer[t]);
  }

  evaluate(plates) {
    this.forward(plates);
    this.backward(plates);
  }

  forward(plates) {
    const X = plates.X.values;
    const Y = plates.Y.values;
    for (let y = 0; y < Y.length; y++) {
      const members = this.members(y);
      if (this.ties) this.choose(X, Y, y, members);
      else {
        Y[y] = members.reduce((sum, x) => sum + X[x], 0) / this.divisor(y);
        this.winners[y] = members;
      }
      if (this.ties) plates.switches.values[y] = this.switchOf(y);
    }
  }

  backward({ dX, dY }) {
    dX.values.fill(0);
    for (let y = 0; y < dY.size; y++)
      for (const x of this.winners[y]) dX.values[x] += dY.values[y] / this.divisor(y);
  }

  // What these elements of dY, and no others, add to dX.
  partial(plates, target, flats) {
    const sums = new Float64Array(plates[target].size);
    for (const y of flats)
      for (const x of this.winners[y]) sums[x] += plates.dY.values[y] / this.divisor(y);
    return sums;
  }

  // The maximum of one window. A NaN counts as the largest, as in the frameworks.
  choose(X, Y, y, members) {
    const best = members.reduce((top, x) => (Number.isNaN(top) || X[x] <= top ? top : X[x]), -Infinity);
    const equal = members.filter((x) => Object.is(X[x], best) || X[x] === best);
    Y[y] = best;
    this.tied[y] = equal.length > 1 ? equal : [];
    this.winners[y] = { first: equal.slice(0, 1), last: equal.slice(-1), split: equal }[this.ties];
  }

  // The flat place of the maximum in its spatial plane; with split the first one.
  switchOf(y) {
    return this.winners[y][0] % this.area.X;
  }

  divisor(y) {
    return this.ties ? this.winners[y].length : this.divisors ? this.divisors[y % this.area.Y] : 1;
  }

  // The terms that make one element. `over` is the divisor of a term, `member` marks Y's members.
  terms(name, flat) {
    if (name !== "dX") {
      const how = this.ties ? { member: true } : { over: this.divisor(flat) };
      return this.members(flat).map((x) => ({ refs: [["X", x]], ...how }));
    }
    return this.windows(flat)
      .filter((y) => this.winners[y].includes(flat))
      .map((y) => ({ refs: [["dY", y]], over: this.divisor(y) }));
  }

  // What stands out beside the terms: the maximum, its equals, and windows that chose another.
  marks(name, flat) {
    if (!this.ties) return [];
    if (name === "dX")
      return [[["X", flat], "here"], ...this.windows(flat).filter((y) => !this.winners[y].includes(flat))
        .map((y) => [["dY", y], "idle"])];
    return [...this.winners[flat].map((x) => [["X", x], "best"]), ...this.tied[flat].map((x) => [["X", x], "tied"])];
  }

  // The places of X that are the maximum of a window.
  maxima() {
    return { X: new Set(this.ties ? this.winners.flat() : []) };
  }

  influences(name, flat) {
    if (name === "X")
      return this.windows(flat).map((y, pair) => ({
        into: ["Y", y], refs: [["X", flat]], pair, idle: !this.winners[y].includes(flat),
      }));
    return this.winners[flat].map((x, pair) => ({
      into: ["dX", x], refs: [["dY", flat]], pair, over: this.divisor(flat),
    }));
  }
}

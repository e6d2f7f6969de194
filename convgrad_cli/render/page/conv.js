// The convolution: its values from the tap tables, and the terms behind every value.
// A term is { refs: [[array, flat], ...], unit }; its value is the product of its refs.

class Convolution {
  constructor(layer) {
    Object.assign(this, layer.sizes);  // batch, channels, filters, groups
    this.perGroup = this.channels / this.groups;
    this.filtersPerGroup = this.filters / this.groups;
    this.taps = spatialTaps(layer.axes);
    const length = (key) => product(layer.axes.map((axis) => axis[key]));
    this.area = { in: length("size"), kernel: length("kernel"), out: length("output") };
    this.by = {
      out: touching(this.taps.out, this.area.out),
      kernel: touching(this.taps.kernel, this.area.kernel),
      input: touching(this.taps.input, this.area.in),
    };
    this.given = layer.hasBias ? ["X", "W", "b", "dY"] : ["X", "W", "dY"];
    this.results = ["Y", "dX", "dW", "db"];
  }

  // Calls visit(start of Y's plane, start of W's, start of X's) for every n, o, c.
  planes(visit) {
    for (let n = 0; n < this.batch; n++)
      for (let o = 0; o < this.filters; o++) {
        const first = Math.floor(o / this.filtersPerGroup) * this.perGroup;
        for (let c = 0; c < this.perGroup; c++)
          visit(
            (n * this.filters + o) * this.area.out,
            (o * this.perGroup + c) * this.area.kernel,
            (n * this.channels + first + c) * this.area.in,
          );
      }
  }

  evaluate(plates) {
    const { X, W, dY, Y, dX, dW, db } = Object.fromEntries(
      Object.entries(plates).map(([name, plate]) => [name, plate.values]));
    const { out, kernel, input, count } = this.taps;
    for (let i = 0; i < Y.length; i++)
      Y[i] = plates.b ? plates.b.values[Math.floor(i / this.area.out) % this.filters] : 0;
    dX.fill(0);
    dW.fill(0);
    db.fill(0);
    this.planes((y, w, x) => {
      for (let t = 0; t < count; t++) {
        Y[y + out[t]] += X[x + input[t]] * W[w + kernel[t]];
        dX[x + input[t]] += dY[y + out[t]] * W[w + kernel[t]];
        dW[w + kernel[t]] += dY[y + out[t]] * X[x + input[t]];
      }
    });
    dY.forEach((value, i) => { db[Math.floor(i / this.area.out) % this.filters] += value; });
  }

  // What these elements of dY, and no others, add to dX or dW.
  partial(plates, target, flats) {
    const sums = new Float64Array(plates[target].size);
    const { X, W, dY } = plates;
    for (const y of flats) {
      const plane = Math.floor(y / this.area.out);
      const o = plane % this.filters;
      const n = Math.floor(plane / this.filters);
      const first = Math.floor(o / this.filtersPerGroup) * this.perGroup;
      for (let c = 0; c < this.perGroup; c++)
        for (const t of this.by.out[y % this.area.out]) {
          const w = (o * this.perGroup + c) * this.area.kernel + this.taps.kernel[t];
          const x = (n * this.channels + first + c) * this.area.in + this.taps.input[t];
          if (target === "dX") sums[x] += dY.values[y] * W.values[w];
          else sums[w] += dY.values[y] * X.values[x];
        }
    }
    return sums;
  }

  // The terms that make one element of a result, in the lectures' order.
  terms(name, flat) {
    return { Y: this.termsOfY, dX: this.termsOfdX, dW: this.termsOfdW, db: this.termsOfdb }[name]
      .call(this, flat);
  }

  termsOfY(flat) {
    const place = flat % this.area.out;
    const plane = Math.floor(flat / this.area.out);
    const o = plane % this.filters;
    const n = Math.floor(plane / this.filters);
    const first = Math.floor(o / this.filtersPerGroup) * this.perGroup;
    const terms = [];
    for (let c = 0; c < this.perGroup; c++)
      for (const t of this.by.out[place]) {
        const x = (n * this.channels + first + c) * this.area.in + this.taps.input[t];
        const w = (o * this.perGroup + c) * this.area.kernel + this.taps.kernel[t];
        terms.push({ refs: [["X", x], ["W", w]] });
      }
    if (this.given.includes("b")) terms.push({ refs: [["b", o]] });
    return terms;
  }

  termsOfdX(flat) {
    const place = flat % this.area.in;
    const plane = Math.floor(flat / this.area.in);
    const channel = plane % this.channels;
    const n = Math.floor(plane / this.channels);
    const c = channel % this.perGroup;
    const first = Math.floor(channel / this.perGroup) * this.filtersPerGroup;
    const terms = [];
    for (let o = first; o < first + this.filtersPerGroup; o++)
      for (const t of this.by.input[place]) {
        const y = (n * this.filters + o) * this.area.out + this.taps.out[t];
        const w = (o * this.perGroup + c) * this.area.kernel + this.taps.kernel[t];
        terms.push({ refs: [["dY", y], ["W", w]] });
      }
    return terms;
  }

  termsOfdW(flat) {
    const place = flat % this.area.kernel;
    const plane = Math.floor(flat / this.area.kernel);
    const o = Math.floor(plane / this.perGroup);
    const channel = Math.floor(o / this.filtersPerGroup) * this.perGroup + (plane % this.perGroup);
    const terms = [];
    for (let n = 0; n < this.batch; n++)
      for (const t of this.by.kernel[place]) {
        const y = (n * this.filters + o) * this.area.out + this.taps.out[t];
        const x = (n * this.channels + channel) * this.area.in + this.taps.input[t];
        terms.push({ refs: [["dY", y], ["X", x]] });
      }
    return terms;
  }

  termsOfdb(o) {
    const terms = [];
    for (let n = 0; n < this.batch; n++)
      for (let place = 0; place < this.area.out; place++)
        terms.push({ refs: [["dY", (n * this.filters + o) * this.area.out + place]] });
    return terms;
  }

  // Where one given element goes: for every product it is in, the forward and the backward side.
  influences(name, flat) {
    const found = [];
    this.touched(name, flat, (n, o, c, t) => {
      const first = Math.floor(o / this.filtersPerGroup) * this.perGroup;
      const y = (n * this.filters + o) * this.area.out + this.taps.out[t];
      const w = (o * this.perGroup + c) * this.area.kernel + this.taps.kernel[t];
      const x = (n * this.channels + first + c) * this.area.in + this.taps.input[t];
      const into = (target, ...refs) => found.push({ into: target, refs, tap: `${y}/${w}/${x}` });
      if (name !== "dY") into(["Y", y], ["X", x], ["W", w]);
      if (name !== "X") into(["dX", x], ["dY", y], ["W", w]);
      if (name !== "W") into(["dW", w], ["dY", y], ["X", x]);
    });
    const channel = (y) => Math.floor(y / this.area.out) % this.filters;
    if (name === "dY") found.push({ into: ["db", channel(flat)], refs: [["dY", flat]], tap: "b" });
    return found;
  }

  touched(name, flat, visit) {
    const area = { X: this.area.in, W: this.area.kernel, dY: this.area.out }[name];
    const place = flat % area;
    const plane = Math.floor(flat / area);
    if (name === "X") {
      const channel = plane % this.channels;
      const n = Math.floor(plane / this.channels);
      const first = Math.floor(channel / this.perGroup) * this.filtersPerGroup;
      for (let o = first; o < first + this.filtersPerGroup; o++)
        for (const t of this.by.input[place]) visit(n, o, channel % this.perGroup, t);
    } else if (name === "W") {
      for (let n = 0; n < this.batch; n++)
        for (const t of this.by.kernel[place])
          visit(n, Math.floor(plane / this.perGroup), plane % this.perGroup, t);
    } else if (name === "dY") {
      for (let c = 0; c < this.perGroup; c++)
        for (const t of this.by.out[place])
          visit(Math.floor(plane / this.filters), plane % this.filters, c, t);
    }
  }
}

// Arrays: flat values in canonical order (batch, channels, space), with what Python gave to put back.

function product(sizes) {
  return sizes.reduce((all, size) => all * size, 1);
}

// Where a flat place lies in an array of this shape.
function placeIn(shape, flat) {
  const index = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = flat % shape[axis];
    flat = Math.floor(flat / shape[axis]);
  }
  return index;
}

class Plate {
  // A plate is one array of the layer: X, W, b, dY (given) or Y, dX, dW, db (results). Behind its
  // `lead` axes (batch, channels) lies space, and the last two axes of that are a plane.
  constructor(name, { shape, values, lead }) {
    this.name = name;
    this.shape = shape;
    this.size = product(shape);
    const space = Math.min(2, shape.length - lead);
    this.cols = space ? shape[shape.length - 1] : 1;
    this.rows = space === 2 ? shape[shape.length - 2] : 1;
    this.area = this.rows * this.cols;
    this.leading = shape.slice(0, shape.length - space);
    this.space = shape.slice(lead);
    this.original = values;
    this.values = Float64Array.from(values || new Float64Array(this.size), Number);
  }

  index(flat) {
    return placeIn(this.shape, flat);
  }

  flat(index) {
    return index.reduce((flat, place, axis) => flat * this.shape[axis] + place, 0);
  }

  planeOf(flat) {
    return Math.floor(flat / this.area);
  }

  // Which plane has these leading indices (batch, channel, and the depth of a 3-D layer).
  plane(leading) {
    return leading.reduce((plane, place, axis) => plane * this.leading[axis] + place, 0);
  }

  leadingOf(plane) {
    return this.index(plane * this.area).slice(0, this.leading.length);
  }

  edited(flat) {
    return this.original !== undefined && !Object.is(this.values[flat], Number(this.original[flat]));
  }
}

// The products of the per-axis tap tables: parallel arrays of flat places in the outer array, the
// filter and the inner array, rows of the outer one first.
function spatialTaps(axes) {
  let taps = [[0, 0, 0]];
  for (const axis of axes) {
    const next = [];
    for (const [out, kernel, input] of taps)
      for (const [o, k, x] of axis.taps)
        next.push([out * axis.outer + o, kernel * axis.kernel + k, input * axis.inner + x]);
    taps = next;
  }
  taps.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const column = (j) => Int32Array.from(taps, (tap) => tap[j]);
  return { outer: column(0), kernel: column(1), inner: column(2), count: taps.length };
}

function touching(places, size) {
  const lists = Array.from({ length: size }, () => []);
  places.forEach((place, tap) => lists[place].push(tap));
  return lists;
}

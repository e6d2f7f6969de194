// Activations: the only functions that the page knows itself, for numbers edited in it; a test holds
// them equal to Python's. Each is σ and σ′ of one number.

const decay = (z) => Math.exp(-Math.abs(z));
const sigmoid = (z) => (z >= 0 ? 1 : decay(z)) / (1 + decay(z));
const within = (z) => Math.max(-1e9, Math.min(1e9, z));  // so that ∞·0 far in a tail is 0

const ACTIVATIONS = {
  "relu": () => [(z) => Math.max(z, 0), step(0)],
  "leaky-relu": (slope) => [(z) => (z > 0 ? z : slope * z), step(slope)],
  "sigmoid": () => [sigmoid, (z) => decay(z) / (1 + decay(z)) ** 2],
  "tanh": () => [Math.tanh, (z) => (4 * decay(2 * z)) / (1 + decay(2 * z)) ** 2],
  "softplus": () => [(z) => Math.max(z, 0) + Math.log1p(decay(z)), sigmoid],
  "gelu": () => [(z) => Math.max(z, -1e9) * normal(z),
    (z) => normal(z) + within(z) * Math.exp(-0.5 * within(z) ** 2) / Math.sqrt(2 * Math.PI)],
  "silu": () => [(z) => Math.max(z, -1e9) * sigmoid(z),
    (z) => sigmoid(z) * (1 + within(z) * sigmoid(-z))],
  "identity": () => [(z) => z, () => 1],
};

function step(below) {
  return (z) => (Number.isNaN(z) ? z : z > 0 ? 1 : below);
}

// Φ(z), the normal distribution. The series of erf near 0, the continued fraction of erfc beyond.
function normal(z) {
  const x = Math.abs(z) / Math.SQRT2;
  if (Number.isNaN(x)) return x;
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);  // Σ 2ⁿx²ⁿ⁺¹/(2n+1)!!: all positive, nothing cancels
      sum += term;
    }
    const half = (Math.exp(-x * x) * sum) / Math.sqrt(Math.PI);
    return 0.5 + Math.sign(z) * half;
  }
  if (x > 40) return z > 0 ? 1 : 0;
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (x + fraction);
  const tail = Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + fraction)) / 2;
  return z > 0 ? 1 - tail : tail;
}

// What an activation alone stands on: Y is given, and dA.
class Pointwise {
  constructor(layer) {
    Object.assign(this, layer.sizes, { given: ["Y", "dY"], results: [] });
  }

  forward() {}

  backward() {}
}

// The model with an activation behind it: A = σ(Y), and dY = dA · σ′(Y) is no longer given.
function activated({ name, slope }, base) {
  const [value, derivative] = ACTIVATIONS[name](slope);
  const own = ["A", "derivative", "dY"];
  return Object.assign(Object.create(base), {
    activated: true,
    given: base.given.map((array) => (array === "dY" ? "dA" : array)),
    results: [...base.results.slice(0, 1), ...own, ...base.results.slice(1)],

    evaluate(plates) {
      this.forward(plates);
      this.backward(plates);
    },

    forward(plates) {
      base.forward(plates);
      plates.Y.values.forEach((z, i) => {
        plates.A.values[i] = value(z);
        plates.derivative.values[i] = derivative(z);
      });
    },

    backward(plates) {
      plates.dA.values.forEach((dA, i) => { plates.dY.values[i] = dA * plates.derivative.values[i]; });
      base.backward(plates);
    },

    terms(array, flat) {
      if (array === "dY") return [{ refs: [["dA", flat], ["derivative", flat]] }];
      if (array === "A") return [{ refs: [["Y", flat]], of: "value" }];
      if (array === "derivative") return [{ refs: [["Y", flat]], of: "derivative", own: true }];
      return base.terms(array, flat);
    },

    influences(array, flat) {
      const into = (target, refs, of) => ({ into: [target, flat], refs, of, pair: 0 });
      const back = into("dY", [["dA", flat], ["derivative", flat]]);
      if (array === "dA") return [back];
      if (array !== "Y") return base.influences(array, flat);
      return [into("A", [["Y", flat]], "value"), into("derivative", [["Y", flat]], "derivative"), back];
    },
  });
}

// The dock: the equation of what is chosen, below the stage, in space that is always reserved.

class Dock {
  constructor(page, root) {
    this.page = page;
    this.head = root.querySelector("#subject");
    this.body = root.querySelector("#equation");
    this.spoken = root.querySelector("#spoken");
    this.flow = new Flow(this.body);
    this.body.addEventListener("pointerover", (event) => this.point(event));
    this.body.addEventListener("pointerleave", () => Marks.emphasise(page, null));
    // To ask where it is scrolled to would lay the page out; to be told does not.
    this.body.addEventListener("scroll", () => { this.scrolled = true; }, { passive: true });
  }

  point(event) {
    const term = event.target.closest?.(".term");
    Marks.emphasise(this.page, term ? this.refsOf(Number(term.dataset.t) - 1) : null);
  }

  // refsOf(t) names the cells of term t; found, all that is lit.
  put(head, body, spoken, found, refsOf) {
    this.head.innerHTML = head;
    this.body.innerHTML = body;
    if (this.scrolled) this.body.scrollTop = 0;
    this.scrolled = false;
    this.flow.start();
    Object.assign(this, { found, refsOf });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.spoken.textContent = spoken; }, 200);
  }

  symbol(ref) {
    return `<math>${this.page.writer.symbol(ref, "mathml")}</math>`;
  }

  // A result's equation: symbols, numbers, value.
  equation(name, flat, terms) {
    const { writer, plates } = this.page;
    this.flow.clear();
    const line = (one) => this.terms(terms, (term) => `<math>${one.call(writer, term, "mathml")}</math>`);
    const last = `<span class="value"><math><mo>=</mo>${number(plates[name].values[flat], "mathml")}</math></span>`;
    const rows = terms.length ? [line(writer.symbols), line(writer.numbers) + last] : [last];
    if (terms[0]?.own) rows.shift();  // σ′(Y) is its own symbol
    const left = this.symbol([name, flat]);
    const is = `<div class="is"><math><mo>=</mo></math></div>`;
    const body = rows.map((row, i) =>
      `<div class="left">${i ? "" : left}</div>${terms.length ? is : "<div></div>"}<div class="right">${row}</div>`).join("");
    const because = this.because(this.reason(name, plates[name].index(flat)));
    const spoken = terms.length < 13 ? writer.sentence(name, flat)
      : `${writer.symbol([name, flat], "text")}: a sum of ${terms.length} terms, ${shown(plates[name].values[flat])}`;
    this.put(this.subject(name, flat, terms), `<div class="lines">${body}</div>${because}`, spoken, terms, (t) => terms[t].refs);
  }

  terms(terms, one) {
    const maximum = terms[0].member ? this.page.writer.joints.mathml.maximum : null;
    const sign = maximum ? "," : "+";
    const parts = this.flow.line(terms.length, (t) => {
      const joint = t ? `<span class="joint">${sign}</span>` : "";
      return `<span class="step">${joint}<span class="term" data-p="${t % 8}" data-t="${t + 1}">${one(terms[t])}</span></span>`;
    }, AT_ONCE.terms, (more) => `<span class="more">${sign} … and ${more} more terms</span>`);
    const [open, close] = maximum || ["", ""];
    const wrap = (piece) => (piece ? `<math>${piece}</math>` : "");
    return wrap(open) + parts + wrap(close);
  }

  // An element by its index in the user's own rank and layout.
  place(name, flat) {
    const { plates, layer } = this.page;
    const title = titleOf(name);
    const index = plates[name].index(flat);
    const own = layer.given[name].order.map((axis) => index[axis]);
    return `<b>${title}${title.length > 2 ? " " : ""}[${own.join(", ")}]</b>`;
  }

  subject(name, flat, terms) {
    const { plates, model } = this.page;
    const value = `${this.place(name, flat)} = ${shown(plates[name].values[flat])}`;
    const idle = terms.length ? null : idleAt(this.page, name, plates[name].index(flat));
    if (idle) return `${value}: ${idle.role === "gap" ? "a zero put in between" : "no window reaches it"}`;
    if (model.ties) return `${value} ${this.poolSubject(name, flat, terms)}`;
    if (!terms.length) return value;
    return `${value} ${name.startsWith("d") && name !== "derivative" ? "gathers" : "is made of"} ${count(terms.length, model.filters && !terms[0]?.of ? "product" : "term")}`;
  }

  poolSubject(name, flat, terms) {
    const { model } = this.page;
    if (name === "dX") {
      const over = model.windows(flat).length;
      return `in ${count(over, "window")}, the maximum of ${terms.length || "none"}`;
    }
    const tied = model.tied[flat].length;
    if (!tied) return "takes the maximum of its window";
    const rule = { first: "the first gets the gradient", last: "the last gets the gradient", split: "they share the gradient" };
    return `has a tie: ${tied} equal maxima, ${rule[model.ties]}`;
  }

  reason(name, index) {
    return idleAt(this.page, name, index)?.note || this.page.model.said?.(name) || "";
  }

  because(why) {
    return why ? `<p class="why">${escapeHtml(why[0].toUpperCase() + why.slice(1))}.</p>` : "";
  }

  // What a given element influences: one line a result it goes into.
  influence(name, flat, found) {
    const { writer, plates } = this.page;
    this.flow.clear();
    const why = this.reason(name, plates[name].index(flat));
    const targets = {};
    for (const one of found) (targets[one.into[0]] ??= []).push(one);
    const rows = Object.entries(targets).map(([target, into]) => {
      const parts = this.flow.line(into.length, (j) => this.part(into[j], into[j].pair), AT_ONCE.parts,
        (more) => `<span class="more">… and ${more} more</span>`);
      return `<div class="left"><span class="into">into ${titleOf(target)}</span></div><div class="is"></div><div class="right">${parts}</div>`;
    });
    const reached = Object.entries(targets).map(([target, into]) => `${count(into.length, "term")} of ${titleOf(target)}`);
    const head = `${this.place(name, flat)} = ${shown(plates[name].values[flat])} goes into ${reached.join(", ") || "nothing"}`;
    const spoken = `${writer.symbol([name, flat], "text")} = ${shown(plates[name].values[flat])}, ${why || `goes into ${reached.join(", ")}`}`;
    this.put(head, `<div class="lines influences">${rows.join("")}</div>${this.because(why)}`, spoken, found,
      (pair) => found.filter((one) => one.pair === pair).flatMap((one) => [one.into, ...one.refs]));
  }

  part(one, pair) {
    const { writer } = this.page;
    const product = `${writer.symbols(one, "mathml")}<mo>=</mo>${number(this.valueOf(one), "mathml")}`;
    return `<span class="step"><span class="term${one.idle ? " idle" : ""}" data-p="${pair % 8}" data-t="${pair + 1}"><math>${writer.symbol(one.into, "mathml")}<mo>←</mo>${one.idle ? "<mtext>not the maximum</mtext>" : product}</math></span></span>`;
  }

  valueOf(term) {
    return term.refs.reduce((all, ref) => all * this.page.writer.value(ref), 1) / (term.over || 1);
  }

  // One scatter step: what this upstream cell adds, and what stands there now.
  scatter(target, y, found, partial) {
    const { writer, plates } = this.page;
    this.flow.clear();
    const parts = this.flow.line(found.length, (t) => {
      const numbers = writer.numbers(found[t], "mathml");
      const now = number(partial[found[t].into[1]], "mathml");
      return `<span class="step"><span class="term" data-p="${t % 8}" data-t="${t + 1}"><math>${writer.symbol(found[t].into, "mathml")}<mo>+=</mo>${writer.symbols(found[t], "mathml")}<mo>=</mo>${numbers}</math><span class="now">now <math>${now}</math></span></span></span>`;
    }, AT_ONCE.parts, (more) => `<span class="more">… and ${more} more</span>`);
    this.put(`${this.place("dY", y)} = ${shown(plates.dY.values[y])} adds to ${count(found.length, "cell")} of ${target}`,
      `<div class="adds">${parts}</div>`, `dY adds to ${found.length} cells of ${target}`, found,
      (t) => [found[t].into, ...found[t].refs]);
  }
}

const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

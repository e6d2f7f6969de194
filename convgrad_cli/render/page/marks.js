// Marks: what lights up for a chosen cell, a scatter step, or a place of the sliding window.

const Marks = {
  // The terms of a result: each pair in its colour.
  terms(page, name, flat) {
    const { board, model } = page;
    board.unmark();
    board.mark([name, flat], { kind: "here" });
    const terms = model.terms(name, flat);
    const numbered = terms.length > 1 && terms.length < 100;
    terms.forEach((term, t) => {
      for (const ref of term.refs) board.mark(ref, { pair: t, term: numbered ? t : null });
    });
    if (!model.filters) Marks.pool(page, name, flat);
    if (page.state.view === "convolution") Marks.window(page, name, flat);
    return terms;
  },

  // Pools: the maximum stands out; equal members are tied; windows that chose another are idle.
  pool({ board, model }, name, flat) {
    if (!model.ties) return;
    if (name === "Y" || name === "switches") {
      for (const x of model.winners[flat]) board.mark(["X", x], { kind: "best" });
      for (const x of model.tied[flat]) board.mark(["X", x], { kind: "tied" });
    } else if (name === "dX") {
      board.mark(["X", flat], { kind: "here" });
      for (const y of model.windows(flat))
        if (!model.winners[y].includes(flat)) board.mark(["dY", y], { kind: "idle" });
    }
  },

  // Everything a given element influences, the partners of one product in one colour.
  influences(page, name, flat) {
    const { board, model } = page;
    board.unmark();
    board.mark([name, flat], { kind: "here" });
    const found = model.influences(name, flat);
    const pairs = new Map();
    for (const { into, refs, tap, idle } of found) {
      if (!pairs.has(tap)) pairs.set(tap, pairs.size);
      const pair = pairs.get(tap);
      for (const ref of [into, ...refs])
        if (ref[0] !== name || ref[1] !== flat)
          board.mark(ref, idle ? { kind: "idle" } : { pair, term: found.length < 200 ? pair : null });
    }
    if (!model.filters && name === "dY") Marks.windowOf(page, flat);
    return found;
  },

  windowOf({ board, model }, y) {
    for (const x of model.members(y)) board.mark(["X", x], { kind: "under" });
    Marks.pool({ board, model }, "Y", y);
  },

  // The window over the map: its frame, and the places under it that hold zeros.
  window({ board, model, plates, layer }, name, flat) {
    const plate = plates[name];
    const index = plate.index(flat);
    const axes = layer.axes.map((axis, j) => {
      const { starts, slider } = axis.sliding[name];
      return { start: starts[index[2 + j]], slider };
    });
    const across = axes[axes.length - 1];
    const along = axes.length > 1 ? axes[axes.length - 2] : { start: 0, slider: [[0, "value"]] };
    const deep = axes.length > 2 ? axes[0] : null;
    for (const block of board.blocks) {
      if (block.spec.part !== "map" || !concerns(model, name, index, block.spec)) continue;
      const z = deep ? block.spec.depth - deep.start : 0;
      if (deep && !(z in deep.slider)) continue;
      board.frame(block, along.start, across.start, along.slider.length, across.slider.length);
      if (deep && deep.slider[z][0] < 0) continue;
      along.slider.forEach(([p], r) => across.slider.forEach(([q], c) => {
        const place = (along.start + r) * block.spec.cols + across.start + c;
        if (p >= 0 && q >= 0) board.markPlace(block, place, { kind: "under" });
      }));
    }
  },

  // One upstream cell: what it adds where.
  scatter(page, target, y) {
    const { board, model } = page;
    board.unmark();
    board.mark(["dY", y], { kind: "here" });
    const found = model.influences("dY", y).filter(({ into }) => into[0] === target);
    found.forEach(({ into, refs }, t) => {
      const term = found.length > 1 && found.length < 100 ? t : null;
      board.mark(into, { pair: t, term });
      board.mark(into, { kind: "added" });
      for (const ref of refs) if (ref[0] !== "dY") board.mark(ref, { pair: t, term });
    });
    if (!model.filters) Marks.windowOf(page, y);
    return found;
  },

  // Pointing at a term of the equation brings its cells forward.
  emphasise({ board }, refs) {
    board.stage.querySelectorAll(".emphasis").forEach((cell) => cell.classList.remove("emphasis"));
    for (const { fine } of board.blocks) fine?.unmark("emphasis");
    for (const ref of refs || []) board.mark(ref, { kind: "emphasis" });
  },
};

// Whether a block's plane takes part in the element `index` of a result.
function concerns(model, name, index, { name: array, lead }) {
  const groupOfFilter = (o) => Math.floor(o / model.filtersPerGroup);
  const groupOfChannel = (c) => Math.floor(c / model.perGroup);
  if (name === "Y") return lead[0] === index[0] && groupOfChannel(lead[1]) === groupOfFilter(index[1]);
  if (name === "dX") return lead[0] === index[0] && groupOfFilter(lead[1]) === groupOfChannel(index[1]);
  return array === "X" && lead[1] === groupOfFilter(index[0]) * model.perGroup + index[1];
}

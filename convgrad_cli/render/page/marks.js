// Marks: what lights up for a chosen cell, a scatter step, or a place of the sliding window.

const Marks = {
  // The terms of a result: each pair in its colour.
  terms(page, name, flat) {
    const { board, model } = page;
    board.unmark();
    board.kind([name, flat], "here");
    const terms = model.terms(name, flat);
    const numbered = terms.length > 1 && terms.length < 100;
    terms.forEach((term, t) => {
      for (const ref of term.refs) board.pair(ref, t, numbered ? t : null);
    });
    for (const [ref, kind] of model.marks?.(name, flat) || []) board.kind(ref, kind);
    if (page.state.view === "convolution") Marks.window(page, name, flat);
    return terms;
  },

  // Everything a given element influences, the partners of one product in one colour.
  influences(page, name, flat) {
    const { board, model } = page;
    board.unmark();
    board.kind([name, flat], "here");
    const found = model.influences(name, flat);
    const numbered = found.length < 200 && found.length > 0 && found[found.length - 1].pair > 0;
    for (const { into, refs, pair, idle } of found) {
      if (idle) board.kind(into, "idle");
      else board.pair(into, pair, numbered ? pair : null);
      for (const ref of refs)
        if (!idle && (ref[0] !== name || ref[1] !== flat)) board.pair(ref, pair, numbered ? pair : null);
    }
    if (model.members && name === "dY") Marks.windowOf(page, flat);
    return found;
  },

  windowOf({ board, model }, y) {
    for (const x of model.members(y)) board.kind(["X", x], "under");
    for (const [ref, kind] of model.marks("Y", y)) board.kind(ref, kind);
  },

  // The window over the map: its frame, and the places under it that hold zeros.
  window({ board, model, plates, layer }, name, flat) {
    const index = plates[name].index(flat);
    const axes = layer.axes.map((axis, j) => {
      const { starts, slider } = axis.sliding[name];
      return { start: starts[index[2 + j]], slider };
    });
    if (axes.some(({ start }) => start === undefined)) return;
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
        if (p >= 0 && q >= 0) board.under(block, place);
      }));
    }
  },

  // One upstream cell: what it adds where.
  scatter(page, target, y) {
    const { board, model } = page;
    board.unmark();
    board.kind(["dY", y], "here");
    const found = model.influences("dY", y).filter(({ into }) => into[0] === target);
    found.forEach(({ into, refs }, t) => {
      const term = found.length > 1 && found.length < 100 ? t : null;
      board.pair(into, t, term);
      board.kind(into, "added");
      for (const ref of refs) if (ref[0] !== "dY") board.pair(ref, t, term);
    });
    if (model.members) Marks.windowOf(page, y);
    return found;
  },

  // Pointing at a term of the equation brings its cells forward.
  emphasise({ board }, refs) {
    board.stage.querySelectorAll(".emphasis").forEach((cell) => cell.classList.remove("emphasis"));
    for (const { fine } of board.blocks) fine?.unmark("emphasis");
    for (const ref of refs || []) board.kind(ref, "emphasis");
  },
};

// Whether a block's plane takes part in the element `index` of a result.
function concerns(model, name, index, { lead }) {
  const groupOfFilter = (o) => Math.floor(o / model.filtersPerGroup);
  const groupOfChannel = (c) => Math.floor(c / model.perGroup);
  const family = FAMILY[name];
  if (family === "W") return lead[1] === groupOfFilter(index[0]) * model.perGroup + index[1];
  if (lead[0] !== index[0]) return false;
  return family === model.outer ? groupOfChannel(lead[1]) === groupOfFilter(index[1])
    : groupOfFilter(lead[1]) === groupOfChannel(index[1]);
}

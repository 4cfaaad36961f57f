// The pictures: each makes a Vega-Lite specification of what is chosen, or nothing where there is nothing to show.
const NARROW = 640;

// The panels side by side where there is room, one below the other where there is none. `rows` are the names of a second
// kind of panels, such as layers, if the picture has one.
const panelled = (state, width, inner, { label, rows = [], height }) => {
  const shown = state.panels;
  const labels = shown.map((panel) => data.panels[panel].words);
  const free = data.panelAxes.map((_, place) => place).filter((place) => {
    return new Set(shown.map((panel) => data.panels[panel].at[place])).size > 1;
  });
  // Room for the button that saves the picture, where it stands beside it.
  const room = width < NARROW ? 12 : 46;
  const sized = (columns) => {
    const each = Math.floor((width - room - (columns > 1 ? label + 22 * (columns - 1) : label)) / columns);
    return { ...inner, width: Math.max(each, 120), ...(height ? { height } : {}) };
  };
  const header = { title: null, labelAnchor: "start" };
  const several = shown.length > 1;
  if (!several && rows.length < 2) return sized(1);
  if (width < NARROW) {
    const order = several && rows.length > 1
      ? labels.flatMap((panel) => rows.map((row) => `${panel} · ${row}`))
      : several ? labels : rows;
    const narrow = sized(1);
    const field = several && rows.length > 1 ? "both" : several ? "panel" : "row";
    return {
      transform: [{ calculate: "datum.panel + ' · ' + datum.row", as: "both" }],
      facet: { field, type: "nominal", sort: order, header }, columns: 1, spec: narrow,
    };
  }
  if (rows.length > 1) {
    const facet = { row: { field: "row", type: "nominal", sort: rows, header: { ...header, labelAngle: 0, labelAlign: "left", labelOrient: "top" } } };
    if (several) facet.column = { field: "panel", type: "nominal", sort: labels, header };
    return { facet, spec: sized(Math.min(several ? shown.length : 1, 6)) };
  }
  if (free.length > 1 && shown.length > 4) {
    const last = free[free.length - 1];
    const words = (panel, places) => places.map((at) => data.panelAxes[at].values[data.panels[panel].at[at]]).join(" · ");
    const upper = [...new Set(shown.map((panel) => words(panel, free.filter((at) => at !== last))))];
    const lower = [...new Set(shown.map((panel) => words(panel, [last])))];
    return {
      facet: {
        row: { field: "upper", type: "nominal", sort: upper, header: { ...header, labelAngle: 0, labelAlign: "left", labelOrient: "top" } },
        column: { field: "lower", type: "nominal", sort: lower, header },
      },
      spec: sized(lower.length),
      words: (panel) => ({ upper: words(panel, free.filter((at) => at !== last)), lower: words(panel, [last]) }),
    };
  }
  const columns = Math.min(shown.length, 4);
  return { facet: { column: { field: "panel", type: "nominal", sort: labels, header } }, spec: sized(columns) };
};

const OTHER = "other, too little to be seen";

// Legends beside each other where there is room.
const columns = (all, width) => {
  if (width < NARROW) return all.some((name) => name.length > 20) ? 1 : 2;
  const needed = all.reduce((before, name) => before + 7 * name.length + 36, 0);
  return needed < width - 60 ? 0 : 5;
};

const names = () => data.values.map((value) => value || "this run");

// How wide the names at the left are.
const label = (all) => Math.min(170, 14 + 7 * Math.max(...all.map((name) => name.length)));

// A row of a picture for each cell that is chosen.
const chosen = (state) => data.cells.filter((cell) => {
  return cell.program === state.program && state.panels.includes(cell.panel);
});

const placed = (cell) => ({ panel: data.panels[cell.panel].words, number: cell.panel, name: names()[cell.value] });

const y = (all) => ({ field: "name", type: "nominal", sort: all, title: null, axis: { grid: false } });

const finished = (spec, rows, description) => {
  const { words, ...rest } = spec;
  const values = words ? rows.map((row) => ({ ...row, ...words(row.number) })) : rows;
  return { $schema: "https://vega.github.io/schema/vega-lite/v6.json", description, data: { values }, ...rest };
};

const present = (state, cells) => names().filter((_, value) => cells.some((cell) => cell.value === value));

const pictures = {
  throughput(state, width) {
    if (!data.compares) return null;
    const cells = chosen(state).filter((cell) => cell.ratio !== null);
    if (cells.length === 0) return null;
    const rows = cells.map((cell) => {
      const by = 100 * (cell.ratio - 1);
      const within = cell.value === 0 ? 0 : 100 * (cell.within ?? 0);
      return {
        ...placed(cell), by, low: by - within, high: by + within, open: within > 0, end: Math.max(by + within, 0),
        words: cell.value === 0 ? "baseline" : change(cell.ratio),
        rate: cell.rate === null ? "mean of programs" : `${short(cell.rate)}/s`, within: within > 0 ? `±${within.toFixed(1)} %` : "–",
      };
    });
    const all = present(state, cells);
    const low = Math.min(0, ...rows.map((row) => row.low));
    const high = Math.max(0.1, ...rows.map((row) => row.high));
    const x = (field) => ({
      field, type: "quantitative", title: `throughput beside ${names()[0]}, %`,
      scale: { domain: [low * 1.08, high + 0.42 * (high - low)], nice: false },
      axis: { tickCount: 4, format: "+~r", labelExpr: "datum.value == 0 ? '0' : datum.label" },
    });
    const inner = {
      height: { step: 26 },
      layer: [
        {
          mark: { type: "bar", height: { band: 0.7 } },
          encoding: {
            x: x("by"), color: { field: "name", scale: colours(names(), look().values), legend: null },
            tooltip: [{ field: "name", title: data.axis }, { field: "words", title: "throughput" }, { field: "within", title: "open" }, { field: "rate", title: "rate" }],
          },
        },
        { transform: [{ filter: "datum.open" }], mark: { type: "rule", strokeWidth: 1.3 }, encoding: { x: x("low"), x2: { field: "high" } } },
        { mark: { type: "text", align: "left", dx: 6 }, encoding: { x: x("end"), text: { field: "words" } } },
      ],
      encoding: { y: y(all) },
    };
    return finished(panelled(state, width, inner, { label: label(all) }), rows, "Throughput relative to the baseline");
  },

  programs(state, width) {
    if (!data.compares || data.programs.length < 2) return null;
    const cells = data.cells.filter((cell) => cell.program >= 0 && cell.value > 0 && cell.ratio !== null && state.panels.includes(cell.panel));
    if (cells.length === 0) return null;
    const rows = cells.map((cell) => ({
      ...placed(cell), program: data.programs[cell.program], by: 100 * (cell.ratio - 1), words: change(cell.ratio), zero: 0,
    }));
    const all = present(state, cells);
    const inner = {
      height: { step: Math.max(34, 13 * all.length), for: "position" },
      layer: [
        { mark: { type: "rule", strokeWidth: 1, opacity: 0.5 }, encoding: { x: { field: "zero", type: "quantitative" }, x2: { field: "by" } } },
        {
          mark: { type: "point", filled: true, size: 62, opacity: 1 },
          encoding: {
            x: {
              field: "by", type: "quantitative", title: `throughput beside ${names()[0]}, %`,
              axis: { tickCount: 4, format: "+~r", labelExpr: "datum.value == 0 ? '0' : datum.label" },
            },
            tooltip: [{ field: "program" }, { field: "name", title: data.axis }, { field: "words", title: "throughput" }],
          },
        },
      ],
      encoding: {
        y: { field: "program", type: "nominal", sort: data.programs, title: null, axis: { grid: false }, scale: { paddingInner: 0.2 } },
        yOffset: { field: "name", type: "nominal", sort: all },
        color: { field: "name", type: "nominal", sort: all, scale: colours(names(), look().values), legend: { values: all, columns: columns(all, width) } },
      },
    };
    return finished(panelled(state, width, inner, { label: label(data.programs) }), rows, "Throughput of each program relative to the baseline");
  },

  misses(state, width) {
    const cells = chosen(state).filter((cell) => cell.figures.misses !== undefined);
    if (cells.length === 0) return null;
    const rows = cells.map((cell) => ({
      ...placed(cell), misses: cell.figures.misses,
      words: data.compares && cell.value > 0 && cell.misses !== null ? `${short(cell.figures.misses)}  (${percent(cell.misses)})` : short(cell.figures.misses),
    }));
    const all = present(state, cells);
    const most = Math.max(...rows.map((row) => row.misses)) || 1;
    const x = {
      field: "misses", type: "quantitative", title: "TLB misses for 1,000 accesses", axis: { tickCount: 4, format: "~s" },
      scale: { domain: [0, 1.5 * most], nice: false },
    };
    const inner = {
      height: { step: 26 },
      layer: [
        {
          mark: { type: "bar", height: { band: 0.7 } },
          encoding: { color: { field: "name", scale: colours(names(), look().values), legend: null }, tooltip: [{ field: "name", title: data.axis }, { field: "words", title: "misses" }] },
        },
        { mark: { type: "text", align: "left", dx: 6 }, encoding: { text: { field: "words" } } },
      ],
      encoding: { x, y: y(all) },
    };
    return finished(panelled(state, width, inner, { label: label(all) }), rows, "TLB misses for 1,000 accesses");
  },

  cycles(state, width) {
    const cells = chosen(state).filter((cell) => cell.causes !== null);
    if (cells.length === 0) return null;
    const first = state.ownOnly ? data.translation[0] : 0;
    const counted = data.causes.map((_, cause) => cause).filter((cause) => cause >= first);
    const sum = (cell) => counted.reduce((all, cause) => all + cell.causes[cause], 0);
    const most = Math.max(...cells.map(sum));
    if (most === 0) return null;
    // What no bar would show is one cause.
    const used = counted.filter((cause) => cells.some((cell) => cell.causes[cause] > 0.002 * most));
    const rows = cells.flatMap((cell) => {
      const all = sum(cell);
      const parts = used.map((cause) => [data.causes[cause], cause, cell.causes[cause]]);
      const rest = all - parts.reduce((before, [, , cycles]) => before + cycles, 0);
      if (rest > 1e-9 * most) parts.push([OTHER, data.causes.length, rest]);
      return parts.map(([cause, order, cycles], place) => ({
        ...placed(cell), cause, order, cycles, all, first: place === 0, words: short(all),
        said: `${short(cycles)} of ${short(all)} cycles`,
      }));
    });
    const all = present(state, cells);
    const domain = used.map((cause) => [data.causes[cause], look().causes[cause]]);
    if (rows.some((row) => row.cause === OTHER)) domain.push([OTHER, look().soft]);
    const inner = {
      height: { step: 26 },
      layer: [
        {
          mark: { type: "bar", height: { band: 0.74 } },
          encoding: {
            x: {
              field: "cycles", type: "quantitative", stack: "zero", axis: { tickCount: 4 },
              title: state.ownOnly ? "cycles of an access, without program and data" : "cycles of an access",
              scale: { domain: [0, most * 1.22], nice: false },
            },
            color: {
              field: "cause", type: "nominal", scale: { domain: domain.map(([name]) => name), range: domain.map(([, colour]) => colour) },
              legend: { symbolType: "square", columns: columns(domain.map(([name]) => name), width) },
            },
            order: { field: "order" },
            tooltip: [{ field: "name", title: data.axis }, { field: "cause" }, { field: "said", title: "cycles of an access" }],
          },
        },
        {
          transform: [{ filter: "datum.first" }],
          mark: { type: "text", align: "left", dx: 6 },
          encoding: { x: { field: "all", type: "quantitative" }, text: { field: "words" } },
        },
      ],
      encoding: { y: y(all) },
    };
    return finished(panelled(state, width, inner, { label: label(all) }), rows, "Cycles of an access by their causes");
  },

  ends(state, width) {
    const kinds = [["aligned", "well aligned"], ["upper", "huge in the guest only"], ["lower", "huge below only"], ["base", "base pages"]];
    const cells = chosen(state).filter((cell) => cell.figures.base !== undefined);
    if (cells.length === 0) return null;
    const rows = cells.flatMap((cell) => kinds.map(([key, kind], order) => ({
      ...placed(cell), kind, order, share: cell.figures[key], words: percent(cell.figures[key]),
    })));
    const all = present(state, cells);
    const inner = {
      height: { step: 26 },
      layer: [
        {
          mark: { type: "bar", height: { band: 0.74 } },
          encoding: {
            x: { field: "share", type: "quantitative", stack: "zero", title: "share of mapped memory", axis: { format: "%", values: [0, 0.5, 1] }, scale: { domain: [0, 1.001], nice: false } },
            color: { field: "kind", type: "nominal", scale: colours(kinds.map(([, kind]) => kind), look().pages), legend: { symbolType: "square", columns: columns(kinds.map(([, kind]) => kind), width) } },
            order: { field: "order" },
            tooltip: [{ field: "name", title: data.axis }, { field: "kind" }, { field: "words", title: "share" }],
          },
        },
      ],
      encoding: { y: y(all) },
    };
    return finished(panelled(state, width, inner, { label: label(all) }), rows, "Huge pages end to end");
  },

  alignment: (state, width) => overTime(state, width, "alignment", "share in huge pages", ["end to end", "guest", "hypervisor", "host"]),

  fmfi: (state, width) => overTime(state, width, "fmfi", "FMFI", ["guest", "hypervisor", "host"]),

  latency(state, width) {
    // Latencies have no mean over programs: those of each are shown.
    const cells = data.cells.filter((cell) => {
      const is = state.program < 0 ? cell.program >= 0 : cell.program === state.program;
      return is && state.panels.includes(cell.panel) && cell.figures.p50 !== undefined;
    });
    if (cells.length === 0) return null;
    const programs = data.programs.filter((_, place) => cells.some((cell) => cell.program === place));
    const kinds = [["p50", "50 %"], ["p95", "95 %"], ["p99", "99 %"]];
    const rows = cells.flatMap((cell) => kinds.map(([key, kind]) => ({
      ...placed(cell), row: data.programs[cell.program], kind, seconds: cell.figures[key] / 1e9, low: cell.figures.p50 / 1e9, high: cell.figures.p99 / 1e9,
      late: cell.figures.saturated > 0, words: `${short(cell.figures[key] / 1e3)} µs`,
    })));
    const all = present(state, cells);
    const times = (of) => rows.filter((row) => row.row === of).flatMap((row) => [row.low, row.high]);
    const inner = (program) => {
      const isWide = Math.max(...times(program)) > 20 * Math.min(...times(program));
      const x = (field) => ({
        field, type: "quantitative", title: isWide ? "time of a request (logarithmic)" : "time of a request",
        scale: isWide ? { type: "log", nice: true } : { zero: true, nice: true },
        axis: { tickCount: 4, format: "~s", labelExpr: "datum.label == '' ? '' : datum.value == 0 ? '0' : datum.label + 's'" },
      });
      return {
        height: { step: 24 },
        layer: [
          { mark: { type: "rule", strokeWidth: 1.5, opacity: 0.5 }, encoding: { x: x("low"), x2: { field: "high" } } },
          ...[true, false].filter((filled) => rows.some((row) => row.row === program && row.late !== filled)).map((filled) => ({
            transform: [{ filter: filled ? "!datum.late" : "datum.late" }],
            mark: { type: "point", size: 64, opacity: 1, strokeWidth: 2, filled },
            encoding: {
              x: x("seconds"),
              shape: {
                field: "kind", type: "nominal", sort: kinds.map(([, kind]) => kind),
                scale: { domain: kinds.map(([, kind]) => kind), range: ["circle", "diamond", "triangle-right"] },
                legend: { symbolFillColor: look().soft, symbolStrokeColor: look().soft },
              },
              color: { field: "name", type: "nominal", scale: colours(names(), look().values), legend: null },
              tooltip: [{ field: "name", title: data.axis }, { field: "kind", title: "not exceeded by" }, { field: "words", title: "time" }],
            },
          })),
        ],
        encoding: { y: y(all) },
      };
    };
    const parts = programs.map((program) => panelled(state, width, inner(program), { label: label(all) }));
    const [first] = parts;
    if (programs.length === 1) return finished(first, rows, "Latency of requests");
    const concat = parts.map(({ words, ...part }, place) => ({
      title: { text: programs[place], anchor: "start", color: look().ink, fontSize: 14 }, ...part,
      transform: [{ filter: { field: "row", equal: programs[place] } }, ...(part.transform ?? [])],
    }));
    return finished({ vconcat: concat, words: first.words }, rows, "Latency of requests");
  },
};

// Shares over the measured time, a row of panels for each layer.
const overTime = (state, width, picture, title, order) => {
  const lines = data.lines.filter(([of, , panel, program]) => of === picture && program === state.program && state.panels.includes(panel));
  if (lines.length === 0) return null;
  const rows = lines.flatMap(([, row, panel, , value, times, values]) => times.map((time, place) => ({
    panel: data.panels[panel].words, number: panel, row, name: names()[value], time, share: values[place],
  })));
  const end = Math.max(...rows.map((row) => row.time));
  const all = names().filter((name) => rows.some((row) => row.name === name));
  const layers = order.filter((row) => rows.some((it) => it.row === row));
  const legend = data.compares ? { values: all, columns: columns(all, width), symbolType: "stroke", symbolStrokeWidth: 4 } : null;
  const inner = {
    layer: all.map((name) => ({
      transform: [{ filter: { field: "name", equal: name } }],
      mark: { type: "line", strokeWidth: thickness(all.indexOf(name), all.length), interpolate: "monotone", clip: true, point: lines.every((line) => line[5].length < 2) },
    })),
    encoding: {
      x: { field: "time", type: "quantitative", title: "measured time, ms", axis: { tickCount: 4, grid: false }, scale: { domain: [0, end], nice: false } },
      y: { field: "share", type: "quantitative", title: null, scale: { domain: [-0.08, 1.08], nice: false }, axis: { format: picture === "fmfi" ? ".1f" : "%", values: [0, 0.5, 1] } },
      color: { field: "name", type: "nominal", sort: all, scale: colours(names(), look().values), legend },
      tooltip: [{ field: "name", title: data.axis }, { field: "row", title: "layer" }, { field: "time", title: "ms", format: ".1f" }, { field: "share", title, format: ".3f" }],
    },
  };
  return finished(panelled(state, width, inner, { label: 40, rows: layers, height: 84 }), rows, title);
};

// How pictures look: colours that differ for most eyes, in light and in dark, and one configuration for all of them.
const darkness = matchMedia("(prefers-color-scheme: dark)");

const LIGHT = {
  ground: "#ffffff", ink: "#1b1f24", soft: "#59636e", line: "#e3e7eb",
  values: ["#8a939c", "#2f7fc1", "#e08214", "#1a9e77", "#c2428f", "#7a5cc0", "#b8a01a", "#c0392b", "#3aa6b9", "#7f5539"],
  causes: ["#c3cad1", "#98a3ae", "#f3c463", "#ee8b2c", "#d1442c", "#2f7fc1", "#7a5cc0", "#1a9e77", "#8fbf5a", "#8c6446"],
  pages: ["#1a9e77", "#8fc8e8", "#f3c463", "#c3cad1"],
};
const DARK = {
  ground: "#171b21", ink: "#e7eaee", soft: "#a3adb8", line: "#2b323b",
  values: ["#8f99a4", "#5aa9ec", "#f2a03d", "#37bd93", "#e571b4", "#a78bea", "#d3bf4b", "#ee6f60", "#5fc6d8", "#b08968"],
  causes: ["#4a535e", "#6d7884", "#f3cf80", "#f29a45", "#e2604a", "#5aa9ec", "#a78bea", "#37bd93", "#a5d076", "#b08968"],
  pages: ["#37bd93", "#4d7fa3", "#d7b45c", "#4a535e"],
};
const look = () => (darkness.matches ? DARK : LIGHT);

// The first line is the thickest and lies below the others, so that lines that coincide are all seen.
const thickness = (place, lines) => Math.max(2, 2 + 1.2 * (Math.min(lines, 6) - 1 - place));

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';

const config = () => {
  const { ground, ink, soft, line } = look();
  return {
    background: ground,
    font: FONT,
    padding: 4,
    view: { stroke: null },
    axis: {
      labelColor: ink, titleColor: soft, titleFontWeight: "normal", titleFontSize: 12, labelFontSize: 12, labelLimit: 170,
      gridColor: line, domainColor: line, tickColor: line, titlePadding: 8,
    },
    axisY: { domain: false, ticks: false, labelPadding: 6 },
    header: { labelColor: ink, labelFontSize: 13, labelFontWeight: 600, titleColor: soft, labelPadding: 6 },
    legend: {
      labelColor: ink, titleColor: soft, labelFontSize: 12, labelLimit: 240, symbolSize: 120, symbolOpacity: 1,
      orient: "top", direction: "horizontal", title: null, columnPadding: 14,
    },
    text: { color: ink, fontSize: 12 },
    rule: { color: ink },
    line: { strokeWidth: 2.2 },
    facet: { spacing: { row: 18, column: 22 } },
  };
};

// The place of a value among colours: when there are more values than colours, they begin again.
const colours = (names, palette) => ({ domain: names, range: names.map((_, place) => palette[place % palette.length]) });

// A number for people, with three digits that say something.
const short = (value) => {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.01) return "<0.01";
  for (const [unit, name] of [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e3, " k"]]) {
    if (size >= 0.9995 * unit) return short(value / unit) + name;
  }
  return String(Number(value.toPrecision(3)));
};
const percent = (share) => `${short(100 * share)} %`;
const change = (ratio) => {
  if (ratio >= 2) return `× ${short(ratio)}`;
  const by = 100 * (ratio - 1);
  return `${by < 0 ? "−" : "+"}${Math.abs(by).toFixed(1)} %`;
};

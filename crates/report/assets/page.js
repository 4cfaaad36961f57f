// The page: what is chosen, and drawing it.
const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);

// The program (-1: their mean), the value of each panel axis (-1: all), and whether cycles are shown without the
// program's own.
const choice = { program: data.programs.length > 1 ? -1 : 0, axes: data.panelAxes.map(() => -1), ownOnly: false };

const state = () => ({
  program: choice.program,
  ownOnly: choice.ownOnly,
  panels: data.panels.map((_, panel) => panel).filter((panel) => {
    return choice.axes.every((value, axis) => value < 0 || data.panels[panel].at[axis] === value);
  }),
});

// More panels than these are no picture: of further axes only the value that the answer is about is shown at first.
const MOST_PANELS = 12;
data.panelAxes.forEach((_, axis) => {
  if (state().panels.length > MOST_PANELS) choice.axes[axis] = data.panels[data.answered].at[axis];
});

const picker = (name, options, chosen, set) => {
  const label = document.createElement("label");
  const select = document.createElement("select");
  options.forEach(([value, words]) => select.append(new Option(words, value)));
  select.value = chosen;
  select.addEventListener("change", () => {
    set(Number(select.value));
    show();
  });
  label.append(name, select);
  find("controls").append(label);
};

const controls = () => {
  if (data.programs.length > 1) {
    const all = data.programs.map((program, place) => [place, program]);
    picker(data.programAxis || "program", [[-1, `mean of ${data.programs.length}`], ...all], choice.program, (value) => { choice.program = value; });
  }
  data.panelAxes.forEach((axis, place) => {
    const all = axis.values.map((value, at) => [at, value]);
    picker(axis.name, [[-1, "all"], ...all], choice.axes[place], (value) => { choice.axes[place] = value; });
  });
  const label = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.addEventListener("change", () => {
    choice.ownOnly = box.checked;
    show();
  });
  label.append(box, "without the program’s own cycles and data");
  label.className = "choice";
  find("cycles").querySelector("figcaption").append(label);
  find("controls").addEventListener("submit", (event) => event.preventDefault());
  find("controls").hidden = find("controls").children.length === 0;
};

// Rows of tables that are of what is not chosen are hidden.
const filter = ({ program, panels }) => {
  document.querySelectorAll("tr[data-panel]").forEach((row) => {
    const of = Number(row.dataset.program);
    const isKey = row.closest("#key") !== null;
    const fits = isKey ? of === program : program < 0 || of === program;
    row.hidden = !fits || !panels.includes(Number(row.dataset.panel));
  });
};

const drawn = {};

const draw = async (id, now) => {
  const figure = find(id);
  const plot = figure.querySelector(".plot");
  figure.hidden = false;
  const spec = pictures[id](now, plot.clientWidth);
  drawn[id]?.finalize();
  delete drawn[id];
  if (spec === null) {
    const apart = data.lines.some(([picture]) => picture === id) && now.program < 0;
    figure.hidden = !apart;
    if (apart) plot.innerHTML = "<p>The programs ran for different times, so there is no mean over them: choose one above.</p>";
    return;
  }
  drawn[id] = await vegaEmbed(plot, spec, {
    mode: "vega-lite", renderer: "svg", ast: true, config: config(), downloadFileName: `${document.title.split(":")[0]}-${id}`,
    scaleFactor: { svg: 1, png: 2 }, tooltip: { theme: darkness.matches ? "dark" : "light" },
    actions: { export: { svg: true, png: true }, source: false, compiled: false, editor: false },
    i18n: { CLICK_TO_VIEW_ACTIONS: "Save this picture" },
  });
};

let width = 0;
let turn = 0;
let before = Promise.resolve();
// One drawing after the other: a new choice ends the one that is under way at its next picture.
const show = () => {
  const mine = ++turn;
  const now = state();
  width = document.documentElement.clientWidth;
  filter(now);
  before = before.then(async () => {
    for (const id of Object.keys(pictures)) {
      if (mine === turn) await draw(id, now);
    }
    if (mine === turn) document.documentElement.dataset.drawn = "all";
  });
};

let waiting = 0;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (document.documentElement.clientWidth !== width) show();
  }, 200);
});
darkness.addEventListener("change", show);
controls();
show();

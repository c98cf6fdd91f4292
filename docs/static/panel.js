// Steps through a recording: where each lane stands, who moves, who waits.
const fill = (text, ...values) =>
  text.replace(/\{(\d)\}/g, (_, index) => values[index]);
const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const narrow = matchMedia("(max-width: 77.99rem)");
const panel = (figure) => {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const { lanes, states, steps, words } = data;
  const pair = figure.closest(".pair");
  const output =
    pair.querySelector(".small") ?? pair.querySelector(".highlight-output pre");
  const printed = output.innerHTML.trimEnd().split("\n");
  output.innerHTML = printed.map((line) => `<span>${line}\n</span>`).join("");
  const color = (lane) => `lane${lane % 8}`;
  const lines = {}; // by their numbers
  [...pair.querySelectorAll(".code pre")].forEach((pre, index) =>
    pre.textContent.split("\n").forEach((text, row) => {
      lines[data.pieces[index] + row] = { pre, row, text: text.replace(/ {2}#.*/, "").trim() };
    }),
  );

  // Return where each lane that is alive stands after so many steps.
  const standing = (count) => {
    const [mover, , now] = steps[count - 1];
    return lanes.flatMap(([, name], lane) => {
      if (!now[lane]) return [];
      const [line, where, wait] = states[now[lane]];
      const state = lane === mover ? "moves" : wait ? "waits" : "stands";
      const text = state === "waits" ? wait : lines[line]?.text ?? where;
      return { lane, name, line, state, text };
    });
  };

  const range = make("input", { type: "range", min: 0, max: steps.length, value: 0 });
  const at = make("p", { className: "at" });
  const list = make("ul", { className: "lanes" });
  const button = (name, sign, onclick) =>
    make("button", { type: "button", ariaLabel: words[name], title: words[name], onclick }, sign);
  const go = (by) => {
    range.value = Number(range.value) + by;
    show(true);
  };
  let timer = 0;
  const pause = () => {
    timer = clearInterval(timer) ?? 0;
    play.textContent = "▶";
    play.ariaLabel = play.title = words.play;
  };
  const back = button("back", "◀", () => (pause(), go(-1)));
  const on = button("on", "▶|", () => (pause(), go(1)));
  const play = button("play", "▶", () => {
    if (timer) return pause();
    if (Number(range.value) === steps.length) range.value = 0;
    play.textContent = "❚❚";
    play.ariaLabel = play.title = words.pause;
    timer = setInterval(() => {
      go(1);
      if (Number(range.value) === steps.length) pause();
    }, 700);
    return go(1);
  });

  const show = (follow) => {
    const count = Number(range.value);
    const stands = count ? standing(count) : [];
    const mover = stands.find(({ state }) => state === "moves");
    at.textContent = fill(words.step, count, steps.length);
    range.ariaValueText = mover
      ? `${at.textContent}, ${mover.name}: ${mover.text}`
      : at.textContent;
    list.replaceChildren(
      ...stands.map(({ lane, name, line, state, text }) => {
        const code = state !== "waits" && line > 0;
        const told = make(code ? "code" : "span", {}, text);
        const className = `${color(lane)} ${state}`;
        return make("li", { className, title: text }, make("b", {}, name), " ", told);
      }),
    );
    if (!count) list.append(make("li", { className: "legend" }, words.legend));
    pair.querySelectorAll(".mark").forEach((mark) => mark.remove());
    for (const line of new Set(stands.map((stand) => stand.line))) {
      if (!lines[line]) continue;
      const here = stands.filter((stand) => stand.line === line);
      const mark = make(
        "div",
        { className: `mark ${here.includes(mover) ? `moves ${color(mover.lane)}` : ""}` },
        ...here.map(({ lane, name, state }) =>
          make("b", { className: `${color(lane)} ${state}` }, state === "waits" ? fill(words.tag, name) : name),
        ),
      );
      const { pre, row } = lines[line];
      const text = document.createRange();
      text.selectNodeContents(pre);
      const box = text.getBoundingClientRect();
      const high = box.height / (pre.textContent.trimEnd().split("\n").length);
      const top = box.top - pre.parentElement.getBoundingClientRect().top;
      mark.style.top = `${top + row * high}px`;
      mark.style.height = `${high}px`;
      pre.parentElement.append(mark);
      if (follow && here.includes(mover)) {
        const below = narrow.matches ? figure.offsetHeight : 0;
        mark.style.scrollMargin = `64px 0 ${below + 16}px`;
        mark.scrollIntoView({ block: "nearest" });
      }
    }
    const done = count ? steps[count]?.[1] ?? Infinity : Infinity;
    [...output.children].forEach((line, index) =>
      line.classList.toggle("todo", index >= done),
    );
  };

  figure.querySelector(".track").append(range);
  figure.querySelector("svg").setAttribute("aria-hidden", "true");
  range.ariaLabel = words.slider;
  range.oninput = () => (pause(), show(true));
  const most = Math.max(...steps.map((_, index) => standing(index + 1).length));
  list.style.setProperty("--most", most);
  figure.querySelector(".track").after(make("div", { className: "controls" }, back, on, play, at), list);
  show(false);
};

// Lets a reader say whose turn it is, for two counters side by side.
const scheduler = (box) => {
  const { orders, words } = JSON.parse(box.querySelector("script").textContent);
  const names = ["Counter", "LockingCounter"];
  const worlds = names.map((name) => ({
    turns: "",
    log: make("ol"),
    told: make("p", { role: "status" }),
    name,
  }));

  const press = (who) => {
    for (const [index, world] of worlds.entries()) {
      const { turns, log, told } = world;
      const order = Object.keys(orders).find((o) => o.startsWith(turns + who));
      if (!order) continue; // this thread has done both
      const [, what, value] = orders[order][index][turns.length];
      const text = fill(words[what], who, value);
      log.append(make("li", { className: `${what} lane${who === "A" ? 1 : 2}` }, text));
      told.textContent = text;
      if (what === "wait") continue;
      world.turns += who;
      if (world.turns.length < 4) continue;
      told.textContent = fill(words[value === 2 ? "kept" : "lost"], value);
      told.className = value === 2 ? "kept" : "lost";
    }
    show();
  };
  const again = () => {
    for (const world of worlds) {
      world.turns = world.told.textContent = world.told.className = "";
      world.log.replaceChildren();
    }
    show();
  };
  const buttons = [..."AB"].map((who) =>
    make("button", { type: "button", value: who, onclick: () => press(who) }, fill(words.press, who)),
  );
  const show = () =>
    buttons.forEach((button) => {
      const done = ({ turns }) => turns.split(button.value).length > 2;
      button.disabled = worlds.every(done);
    });

  box.append(
    make("div", { className: "controls" }, ...buttons, make("button", { type: "button", onclick: again }, words.again)),
    ...worlds.map(({ name, log, told }) =>
      make("div", { className: "world" }, make("p", {}, make("code", {}, name)), log, told),
    ),
  );
};

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".panel").forEach(panel);
  document.querySelectorAll(".scheduler").forEach(scheduler);
});

"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const text = data.texts;
  const CELLS = "funwp-";
  const MARK = { f: "✗", u: "?", n: "∅", w: "~", p: "✓", "-": "·" };
  const WORD = { f: "violation", u: "unknown", n: "not verifiable", w: "waived", p: "pass", "-": "not checked" };
  const ROW_HEIGHT = 33;
  const BEYOND = 12;
  const MOST_PRINTED = 5000;
  // Positions in the row of an account; see html_data.py.
  const ID = 0, EXCHANGE = 1, OWNER = 2, LABELS = 3, PLACE = 4, TIME = 5, RESULT = 6, SEVERITY = 7, CELL = 8, STATES = 9, VERDICTS = 10, FACTS = 11, GAPS = 12, CALLS = 13;

  const grid = document.getElementById("grid");
  const body = document.querySelector("#accounts tbody");
  const columns = 4 + data.controls.length;
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const drawer = document.getElementById("drawer");
  const lineAt = new Map(data.lines.map(([name], position) => [name, position]));
  const controlAt = new Map(data.controls.map(([id], position) => [id, position]));

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== null) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };
  const number = new Intl.NumberFormat("en");
  const foreign = (value) => element("bdi", {}, value);
  const label = ([name, value]) => `${text[name]}=${text[value]}`;
  const stateClass = (code) => `s-${code === "-" ? "none" : code}`;

  const search = data.accounts.map((account) =>
    [account[ID], text[account[EXCHANGE]], text[account[OWNER]], ...account[LABELS].map(label)].join("\n").toLowerCase());

  // What is shown lives in the address, so that a link shows the same.
  let state = {};
  let visible = [];

  const readFragment = () => {
    const parameters = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
    return Object.fromEntries(parameters);
  };
  const writeFragment = () => {
    const kept = Object.entries(state).filter(([, value]) => value);
    const isOurs = location.hash.startsWith("#?");
    if (!kept.length && !isOurs) return;
    const fragment = kept.length ? `#?${new URLSearchParams(kept)}` : "";
    history.replaceState(null, "", location.href.split("#")[0] + fragment);
  };

  const matches = () => {
    const wanted = (state.q || "").toLowerCase().split(/\s+/).filter(Boolean);
    const line = lineAt.get(state.line);
    return (account, position) =>
      wanted.every((word) => search[position].includes(word)) &&
      (!state.verdict || data.verdict_states[account[RESULT]] === state.verdict) &&
      (!state.severity || data.severities[account[SEVERITY]] === state.severity) &&
      (!state.exchange || text[account[EXCHANGE]] === state.exchange) &&
      (!state.owner || text[account[OWNER]] === state.owner) &&
      (!state.label || account[LABELS].some((one) => label(one) === state.label)) &&
      (line === undefined || account[STATES][line] === state.state);
  };
  const KEYS = {
    account: (account) => account[ID],
    exchange: (account) => text[account[EXCHANGE]],
    owner: (account) => text[account[OWNER]],
    verdict: (account) => account[RESULT] * 10 + (account[SEVERITY] < 0 ? 9 : account[SEVERITY]),
  };
  const keyOf = (name) => {
    const control = controlAt.get(name);
    return control === undefined ? KEYS[name] : (account) => CELLS.indexOf(account[CELL][control]);
  };

  const select = () => {
    const match = matches();
    visible = [];
    data.accounts.forEach((account, position) => { if (match(account, position)) visible.push(position); });
    const key = state.sort && keyOf(state.sort);
    if (key) {
      const keys = visible.map((position) => key(data.accounts[position]));
      const order = visible.map((_, position) => position);
      const sign = state.order === "down" ? -1 : 1;
      order.sort((a, b) => (keys[a] < keys[b] ? -sign : keys[a] > keys[b] ? sign : a - b));
      visible = order.map((position) => visible[position]);
    }
  };

  const rowOf = (position, index) => {
    const account = data.accounts[position];
    const severity = data.severities[account[SEVERITY]];
    const result = data.verdict_states[account[RESULT]];
    const button = element("button", { type: "button", "data-account": position, class: "id" }, foreign(account[ID]));
    const cells = [...account[CELL]].map((code, control) =>
      element("td", { class: `cell ${stateClass(code)}`, title: `${data.controls[control][1]}: ${WORD[code]}` },
        element("span", { "aria-hidden": "true" }, MARK[code]), element("span", { class: "hidden" }, WORD[code])));
    return element("tr", { "aria-rowindex": index + 2 },
      element("th", { scope: "row", class: "sticky" }, button),
      element("td", {}, text[account[EXCHANGE]]),
      element("td", {}, foreign(text[account[OWNER]])),
      element("td", { class: `r-${result}` }, result, ...(severity ? [" ", element("span", { class: `severity v-${severity}` }, severity)] : [])),
      ...cells);
  };
  const gap = (height) => {
    const cell = element("td", { colspan: columns });
    cell.style.height = `${height}px`;
    return element("tr", { class: "gap", "aria-hidden": "true" }, cell);
  };

  const draw = (all = false) => {
    const first = all ? 0 : Math.max(0, Math.floor(grid.scrollTop / ROW_HEIGHT) - BEYOND);
    const room = all ? MOST_PRINTED : Math.ceil(grid.clientHeight / ROW_HEIGHT) + 2 * BEYOND;
    const last = Math.min(visible.length, first + room);
    const focused = document.activeElement && document.activeElement.dataset && body.contains(document.activeElement)
      ? document.activeElement.dataset.account : undefined;
    const rows = [];
    if (first) rows.push(gap(first * ROW_HEIGHT));
    for (let index = first; index < last; index += 1) rows.push(rowOf(visible[index], index));
    if (!all && last < visible.length) rows.push(gap((visible.length - last) * ROW_HEIGHT));
    body.replaceChildren(...rows);
    if (focused !== undefined) {
      const again = body.querySelector(`[data-account="${focused}"]`);
      if (again) again.focus({ preventScroll: true });
    }
  };
  let isDue = false;
  grid.addEventListener("scroll", () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => { isDue = false; draw(); });
  }, { passive: true });

  const describe = () => {
    const count = number.format(visible.length);
    const total = number.format(data.accounts.length);
    const line = state.line && data.lines[lineAt.get(state.line)];
    const where = line ? `, ${line[1]}: ${WORD[state.state]}` : "";
    shown.textContent = `${count} of ${total} accounts${where}.`;
  };
  const reflect = () => {
    for (const field of form.elements) if (field.name) choose(field, state[field.name] || "");
    for (const button of document.querySelectorAll(".count")) {
      const isOn = button.dataset.line === state.line && button.dataset.state === state.state;
      button.setAttribute("aria-pressed", String(isOn));
    }
    for (const head of document.querySelectorAll("[data-sort]")) {
      const isOn = head.dataset.sort === state.sort;
      if (isOn) head.setAttribute("aria-sort", state.order === "down" ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  };
  const show = (changes) => {
    state = { ...state, ...changes };
    select();
    grid.scrollTop = 0;
    draw();
    describe();
    reflect();
    writeFragment();
  };

  // Thousands of owners or labels take longer to list than all else: such a list is filled when
  // somebody goes there.
  const LISTED_AT_ONCE = 200;
  const choices = (name, values) => {
    const field = form.elements[name];
    field.parentElement.hidden = !values.length;
    const fill = () => {
      const there = new Set([...field.options].map((one) => one.value));
      const chosen = field.value;
      field.append(...values.filter((value) => !there.has(value)).map((value) => element("option", { value }, value)));
      field.value = chosen;
    };
    if (values.length <= LISTED_AT_ONCE) fill();
    else for (const event of ["focus", "pointerdown"]) field.addEventListener(event, fill, { once: true });
  };
  const choose = (field, value) => {
    if (field.value === value) return;
    field.value = value;
    // One that is not listed yet, but asked for by a link.
    if (field.value !== value) field.append(element("option", { value }, value));
    field.value = value;
  };
  const distinct = (values) => [...new Set(values)].filter(Boolean).sort();
  const results = new Set(data.accounts.map((account) => account[RESULT]));
  const severities = new Set(data.accounts.map((account) => account[SEVERITY]));
  choices("verdict", data.verdict_states.filter((_, at) => results.has(at)));
  choices("severity", data.severities.filter((_, at) => severities.has(at)));
  choices("exchange", distinct(data.accounts.map((account) => text[account[EXCHANGE]])));
  choices("owner", distinct(data.accounts.map((account) => text[account[OWNER]])));
  choices("label", distinct(data.accounts.flatMap((account) => account[LABELS].map(label))));
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => show({ [event.target.name]: event.target.value }));
  document.getElementById("clear").addEventListener("click", () => {
    state = { sort: state.sort, order: state.order };
    show({});
  });

  for (const button of document.querySelectorAll(".count")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      const isOn = button.getAttribute("aria-pressed") === "true";
      show(isOn ? { line: "", state: "" } : { line: button.dataset.line, state: button.dataset.state });
      document.getElementById("matrix").scrollIntoView();
    });
  }
  for (const head of document.querySelectorAll("[data-sort]")) {
    const button = element("button", { type: "button" }, ...head.childNodes);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const name = head.dataset.sort;
      const isUp = state.sort === name && state.order !== "down";
      show({ sort: name, order: isUp ? "down" : "" });
    });
  }

  // The drawer: everything about one account.
  const table = (title, heads, rows) => {
    if (!rows.length) return [];
    const head = element("tr", {}, ...heads.map((one) => element("th", { scope: "col" }, one)));
    const lines = rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell))));
    const inner = element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
    return [element("h3", {}, title), element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, inner)];
  };
  const verdictItem = (at) => {
    const [rule, code, severity, subject, expected, seen, reason, needed, onUnknown, policy, fix, waiver, since] = data.verdicts[at];
    const more = (name, value) => (text[value] ? [element("br"), `${name}: `, foreign(text[value])] : []);
    return element("li", {},
      element("span", { class: `mark ${stateClass(code)}`, "aria-hidden": "true" }, MARK[code]), ` ${WORD[code]} `,
      ...(code === "f" || code === "u" ? [element("span", { class: `severity v-${data.severities[severity]}` }, data.severities[severity]), " "] : []),
      element("strong", {}, text[rule]), ...(text[subject] ? [" ", foreign(text[subject])] : []),
      ...more("expected", expected), ...more("seen", seen), ...more("reason", reason), ...more("needed", needed),
      ...more("an unknown here means", onUnknown), ...more("fix", fix), ...more("waived by", waiver), ...more("since the baseline", since),
      ...more("policy", policy));
  };
  let opener = null;
  const open = (position) => {
    const account = data.accounts[position];
    const close = element("button", { type: "button", class: "close" }, "Close");
    close.addEventListener("click", () => drawer.close());
    const order = [...account[VERDICTS]].sort((a, b) =>
      CELLS.indexOf(data.verdicts[a][1]) - CELLS.indexOf(data.verdicts[b][1]) || data.verdicts[a][2] - data.verdicts[b][2]);
    drawer.replaceChildren(close,
      element("h2", { id: "drawer-title" }, foreign(account[ID])),
      element("p", {}, text[account[EXCHANGE]], ...(text[account[OWNER]] ? [" · ", foreign(text[account[OWNER]])] : []),
        ...account[LABELS].flatMap((one) => [" · ", foreign(label(one))]), " · ", element("code", {}, text[account[PLACE]]),
        ` · read ${text[account[TIME]]}`),
      element("h3", {}, "Verdicts"), element("ul", {}, ...order.map(verdictItem)),
      ...table("Facts", ["Fact", "Value", "Proof", "Source"], account[FACTS].map((at) => {
        const [name, meaning, value, grade, source] = data.facts[at];
        return [element("span", { title: text[meaning] }, text[name]), foreign(text[value]), text[grade], text[source]];
      })),
      ...table("Unknown", ["Fact", "Reason", "What would prove it"], account[GAPS].map((at) => {
        const [name, meaning, reason, detail] = data.facts[at];
        return [element("span", { title: text[meaning] }, text[name]), text[reason], foreign(text[detail])];
      })),
      ...table("Requests", ["Call", "Method", "URL", "Answer"], account[CALLS].map((at) => data.calls[at].map((one) => text[one]))));
    opener = position;
    state = { ...state, account: account[ID] };
    writeFragment();
    drawer.showModal();
  };
  drawer.addEventListener("close", () => {
    state = { ...state, account: "" };
    writeFragment();
    const button = body.querySelector(`[data-account="${opener}"]`);
    if (button) button.focus();
  });
  drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-account]");
    if (button) open(Number(button.dataset.account));
  });
  body.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const button = event.target.closest("[data-account]");
    if (!step || !button) return;
    event.preventDefault();
    const next = visible.indexOf(Number(button.dataset.account)) + step;
    if (next < 0 || next >= visible.length) return;
    const top = next * ROW_HEIGHT;
    const room = grid.clientHeight - grid.querySelector("thead").offsetHeight - ROW_HEIGHT;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top > grid.scrollTop + room) grid.scrollTop = top - room;
    draw();
    const target = body.querySelector(`[data-account="${visible[next]}"]`);
    if (target) target.focus({ preventScroll: true });
  });

  const start = () => {
    const { account, ...rest } = readFragment();
    state = rest;
    // What stands there without a script need not be laid out first.
    body.replaceChildren();
    show({});
    const position = account === undefined ? -1 : data.accounts.findIndex((one) => one[ID] === account);
    if (position >= 0) open(position);
    if (Object.keys(rest).length) document.getElementById("matrix").scrollIntoView();
  };
  window.addEventListener("beforeprint", () => {
    draw(true);
    for (const one of document.querySelectorAll("details:not([open])")) { one.open = true; one.dataset.closed = ""; }
  });
  window.addEventListener("afterprint", () => {
    draw();
    for (const one of document.querySelectorAll("details[data-closed]")) { one.open = false; delete one.dataset.closed; }
  });
  window.addEventListener("hashchange", () => { if (location.hash.startsWith("#?")) start(); });
  window.addEventListener("resize", () => draw());
  document.getElementById("accounts").setAttribute("aria-rowcount", data.accounts.length + 1);
  start();
})();

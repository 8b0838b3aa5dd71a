"use strict";
// Search, sort, unfold, and a switch for dark and light. Without it the page shows everything, in the order of the file.
document.documentElement.classList.add("js");

document.addEventListener("DOMContentLoaded", () => {
  const every = (selector, from = document) => Array.from(from.querySelectorAll(selector));
  const bodies = every(".columns > tbody");
  const search = document.getElementById("search");
  const only = document.getElementById("only");
  const count = document.getElementById("count");

  function unfold(body, open) {
    body.classList.toggle("open", open);
    body.querySelector(".name").setAttribute("aria-expanded", String(open));
  }

  function filter() {
    const wanted = search.value.trim().toLowerCase();
    let left = 0;
    for (const body of bodies) {
      const named = body.querySelector(".name").textContent.toLowerCase().includes(wanted);
      body.hidden = !named || (only !== null && only.checked && !("marked" in body.dataset));
      left += body.hidden ? 0 : 1;
    }
    count.textContent = left === bodies.length ? `${left} columns` : `${left} of ${bodies.length} columns`;
  }

  // Numbers by size, what is no number last; names as the reader's language orders them.
  function sort(table, items, head) {
    const key = head.querySelector("button").dataset.key;
    const text = head.querySelector("button").dataset.as === "text";
    const up = head.getAttribute("aria-sort") === "none" ? text || key === "p" : head.getAttribute("aria-sort") !== "ascending";
    const compare = (a, b) => {
      if (text) return (up ? 1 : -1) * a.dataset[key].localeCompare(b.dataset[key], undefined, { numeric: true });
      const x = Number(a.dataset[key]), y = Number(b.dataset[key]);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return x === y ? a.dataset.rank - b.dataset.rank : (x < y) === up ? -1 : 1;
    };
    for (const other of every("thead [aria-sort]", table)) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const home = items[0].parentNode;
    const first = items.slice().sort(compare);
    home.append(...first);
  }

  for (const table of every("table.sortable")) {
    const items = table.classList.contains("columns") ? bodies : every("tbody > tr", table);
    for (const button of every("thead button", table)) {
      button.addEventListener("click", () => { if (items.length) sort(table, items, button.closest("th")); });
    }
  }

  for (const body of bodies) {
    const button = body.querySelector(".name");
    button.addEventListener("click", () => unfold(body, !body.classList.contains("open")));
  }

  // The bin under the pointer, in the words of the table below.
  function read(event) {
    const plot = event.currentTarget;
    const box = plot.getBoundingClientRect();
    const at = 1000 * (event.clientX - box.left) / box.width;
    const ends = Array.from(plot.querySelector(".bar-p").getAttribute("d").matchAll(/H([\d.]+)/g), (found) => Number(found[1]));
    const bin = ends.findIndex((end) => at < end);
    const row = every(".plain tbody tr", plot.closest(".inner"))[plot.dataset.bins.split(",").indexOf(String(bin))];
    if (row === undefined) return;
    const [name, p, q, forward, reverse] = Array.from(row.children, (cell) => cell.textContent);
    plot.parentNode.querySelector(".readout").textContent =
      `${name}: ${p} of P, ${q} of Q; adds ${forward} to KL(P‖Q) and ${reverse} to KL(Q‖P)`;
    const here = plot.querySelector(".here") || plot.appendChild(Object.assign(document.createElement("i"), { className: "here" }));
    const start = bin ? ends[bin - 1] : 0;
    here.style.left = `${start / 10}%`;
    here.style.width = `${(ends[bin] - start) / 10}%`;
  }
  for (const plot of every(".plot")) plot.addEventListener("pointermove", read);

  function follow() {
    const body = document.getElementById(location.hash.slice(1));
    if (body === null || !bodies.includes(body)) return;
    body.hidden = false;
    unfold(body, true);
    body.scrollIntoView();
  }
  window.addEventListener("hashchange", follow);
  for (const link of every(".verdict a")) link.addEventListener("click", () => setTimeout(follow));

  if (search !== null) {
    search.addEventListener("input", filter);
    if (only !== null) only.addEventListener("change", filter);
    const all = document.getElementById("all");
    all.addEventListener("click", () => {
      const open = all.getAttribute("aria-pressed") !== "true";
      all.setAttribute("aria-pressed", String(open));
      all.textContent = open ? "Fold all" : "Unfold all";
      for (const body of bodies) if (!body.hidden) unfold(body, open);
    });
    filter();
  }

  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
  follow();
});

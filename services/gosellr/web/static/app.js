// A thin layer over pages that work without it: theme, toasts, the bag's number, keys, gallery.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // The page turns at once; the server is told, so that the next one comes in the same light.
  const switchTheme = (event, form) => {
    event.preventDefault();
    const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const next = (root.dataset.theme || dark) === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    const body = new URLSearchParams(new FormData(form));
    body.set("theme", next);
    fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
  };

  const toast = ({ text, href, label }) => {
    const list = document.querySelector(".toasts");
    if (!list || !text) return;
    const item = document.createElement("div");
    item.className = "toast";
    item.append(Object.assign(document.createElement("span"), { textContent: text }));
    if (href && href.startsWith("/") && !href.startsWith("//")) {
      item.append(Object.assign(document.createElement("a"), { textContent: label || href, href }));
    }
    list.append(item);
    setTimeout(() => item.remove(), 6000);
  };

  // The server speaks through HX-Trigger; htmx turns the header into events.
  addEventListener("toast", (event) => toast(event.detail));
  addEventListener("bag", (event) => {
    for (const badge of all("[data-bag-count]")) {
      badge.textContent = event.detail.count;
      badge.hidden = event.detail.count === 0;
    }
  });

  // A thumbnail moves the strip alone; without scripts its anchor does, and the page moves too.
  const showPicture = (event, link) => {
    const picture = document.getElementById(link.hash.slice(1));
    if (!picture) return;
    event.preventDefault();
    const strip = picture.parentElement;
    strip.scrollBy({ left: picture.getBoundingClientRect().left - strip.getBoundingClientRect().left });
    for (const other of all("[aria-current]", link.parentElement)) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
  };

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-act]");
    if (!target) return;
    const act = target.dataset.act;
    if (act === "picture") showPicture(event, target);
    if (act === "print") print();
  });

  // A form is sent once: a second press while the first is under way does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-theme-form]")) switchTheme(event, form);
    if (!form.matches("[data-once]")) return;
    if (form.ariaBusy === "true") event.preventDefault();
    form.ariaBusy = "true";
  });
  addEventListener("pageshow", () => all("[data-once]").forEach((form) => (form.ariaBusy = "false")));

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-submit-on-change]");
    if (form) form.requestSubmit();
  });

  document.addEventListener("keydown", (event) => {
    const search = document.getElementById("search");
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || !search || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  const focusSummary = () => document.querySelector("[data-error-summary]")?.focus();
  // On a phone the console's pages stand in a row: the one that is open comes into view.
  const here = document.querySelector(".side [aria-current]");
  const row = here?.closest("ul");
  if (row) row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.clientWidth) / 2;
  document.addEventListener("htmx:after:swap", focusSummary);
  focusSummary();
  root.dataset.ready = "";
})();

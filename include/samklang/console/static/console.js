// Follows the light or dark look of the Airflow page that the console is framed by; alone, that of the system.
(() => {
  "use strict";
  const root = document.documentElement;
  const framing = () => {
    try {
      return window.parent !== window ? window.parent.document.documentElement : null;
    } catch {
      return null; // framed by another origin
    }
  };
  const wanted = () => {
    const parent = framing();
    if (parent && (parent.classList.contains("dark") || parent.classList.contains("light"))) {
      return parent.classList.contains("dark") ? "dark" : "light";
    }
    const chosen = window.localStorage.getItem("theme");
    if (chosen === "dark" || chosen === "light") return chosen;
    return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  };
  const apply = () => {
    const theme = wanted();
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    document.dispatchEvent(new CustomEvent("samklang:theme"));
  };
  apply();
  const parent = framing();
  if (parent) new MutationObserver(apply).observe(parent, { attributes: true, attributeFilter: ["class"] });
  window.addEventListener("storage", apply);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);

  // One choice for all rows of a list, and a bar of actions that shows while something is chosen.
  const rows = (box) => [...box.closest("form").querySelectorAll('input[type="checkbox"][name]')];
  const count = (form) => {
    const chosen = form.querySelectorAll('input[type="checkbox"][name]:checked').length;
    const told = form.querySelector("[data-chosen]");
    if (told) told.textContent = chosen;
    for (const button of form.querySelectorAll("button[data-needs-choice]")) button.disabled = chosen === 0 || "denied" in button.dataset;
  };
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement) || box.type !== "checkbox" || !box.closest("form")) return;
    if ("all" in box.dataset) for (const one of rows(box)) one.checked = box.checked;
    count(box.closest("form"));
  });
  const ready = () => {
    for (const form of document.querySelectorAll("form")) if (form.querySelector("[data-chosen]")) count(form);
  };
  document.addEventListener("DOMContentLoaded", ready);
  document.addEventListener("htmx:afterSettle", ready);

  // Airflow frames the console in a sandbox that lets no link out of it. Its own page may be asked to follow one.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[target="_top"]');
    if (!link || !framing()) return;
    event.preventDefault();
    const way = window.parent.document.createElement("a");
    way.href = link.href;
    way.click();
  });

  // Nor does the sandbox let window.confirm ask.
  document.addEventListener("htmx:confirm", (event) => {
    const { question, issueRequest, triggeringEvent } = event.detail;
    if (!question) return;
    event.preventDefault();
    const dialog = document.getElementById("ask");
    const yes = dialog.querySelector('button[value="yes"]');
    dialog.querySelector("p").textContent = question;
    yes.textContent = triggeringEvent?.submitter?.textContent || "Yes";
    dialog.returnValue = "";
    dialog.addEventListener("close", () => dialog.returnValue === "yes" && issueRequest(true), { once: true });
    dialog.showModal();
  });

  // What came of an action is said and looked at first.
  document.addEventListener("htmx:afterSwap", () => document.getElementById("main")?.focus({ preventScroll: true }));
  const busy = (text) => () => {
    const told = document.getElementById("busy");
    if (told) told.textContent = text;
  };
  document.addEventListener("htmx:beforeRequest", busy("Working …"));
  document.addEventListener("htmx:afterRequest", busy(""));
  document.addEventListener("htmx:sendError", busy("Airflow cannot be reached."));
})();

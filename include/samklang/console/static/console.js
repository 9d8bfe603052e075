// What the pages do besides htmx: many rows at once, questions before an action, and the way out of the frame.
(() => {
  "use strict";
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
    if (!link || window.parent === window || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const way = window.parent.document.createElement("a");
    way.href = link.href;
    way.click();
  });

  // Nor does the sandbox let window.confirm ask.
  document.addEventListener("htmx:confirm", (event) => {
    const { question, issueRequest, triggeringEvent, elt } = event.detail;
    if (!question) return;
    event.preventDefault();
    const dialog = document.getElementById("ask");
    const yes = dialog.querySelector('button[value="yes"]');
    dialog.querySelector("p").textContent = question;
    yes.textContent = (triggeringEvent?.submitter ?? elt.closest("button"))?.textContent ?? "Yes";
    dialog.returnValue = "";
    dialog.addEventListener("close", () => dialog.returnValue === "yes" && issueRequest(true), { once: true });
    dialog.showModal();
  });

  // What came of an action is said and looked at first.
  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (target.id === "main") document.getElementById("message").replaceChildren();
    if (target.id === "main") target.focus({ preventScroll: true });
    if (target.id === "message") target.scrollIntoView({ block: "nearest" });
  });

  const busy = (text) => () => {
    const told = document.getElementById("busy");
    if (told) told.textContent = text;
  };
  document.addEventListener("htmx:beforeRequest", busy("Working …"));
  document.addEventListener("htmx:afterRequest", busy(""));
  document.addEventListener("htmx:sendError", busy("Airflow cannot be reached."));
})();

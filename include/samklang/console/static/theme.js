// Airflow's colours, light or dark, from the page that frames this one; alone, what the system prefers.
"use strict";
(() => {
  const root = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const TOKENS = ["bg", "bg-subtle", "bg-muted", "bg-emphasized", "fg", "fg-muted", "border", "border-emphasized",
    "brand-solid", "brand-contrast"];
  const framing = () => {
    try {
      return window.parent !== window ? window.parent.document.documentElement : null;
    } catch {
      return null; // framed by another origin
    }
  };
  const chosen = () => {
    try {
      return window.localStorage.getItem("theme");
    } catch {
      return null; // no storage here
    }
  };
  const isDark = (parent) => {
    if (parent?.classList.contains("dark")) return true;
    if (parent?.classList.contains("light")) return false;
    return chosen() === "dark" || (chosen() !== "light" && prefersDark.matches);
  };
  const apply = () => {
    const parent = framing();
    root.dataset.theme = isDark(parent) ? "dark" : "light";
    const style = parent ? window.parent.getComputedStyle(parent) : null;
    for (const token of TOKENS) {
      const colour = style?.getPropertyValue(`--chakra-colors-${token}`).trim();
      if (colour) root.style.setProperty(`--${token}`, colour);
      else root.style.removeProperty(`--${token}`);
    }
    document.dispatchEvent(new CustomEvent("samklang:theme"));
  };
  apply();
  const parent = framing();
  if (parent) new MutationObserver(apply).observe(parent, { attributes: true, attributeFilter: ["class"] });
  window.addEventListener("storage", apply);
  prefersDark.addEventListener("change", apply);
})();

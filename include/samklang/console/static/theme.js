// Airflow's colours and its light or dark, from the page around this one; where there is none, what the system prefers.
"use strict";
(() => {
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const tokens = ["bg", "bg-subtle", "bg-muted", "bg-emphasized", "fg", "fg-muted", "border", "border-emphasized",
    "brand-solid", "brand-contrast"];

  const around = () => {
    try {
      return window.parent !== window ? window.parent.document.documentElement : null;
    } catch {
      return null; // another origin
    }
  };
  const stored = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const isDark = () => {
    const outer = around();
    if (outer?.classList.contains("dark")) return true;
    if (outer?.classList.contains("light")) return false;
    const theme = stored();
    return theme === "dark" || (theme !== "light" && prefersDark.matches);
  };
  const apply = () => {
    root.dataset.theme = isDark() ? "dark" : "light";
    const outer = around();
    const style = outer ? window.parent.getComputedStyle(outer) : null;
    for (const token of tokens) {
      const colour = style?.getPropertyValue(`--chakra-colors-${token}`).trim();
      if (colour) root.style.setProperty(`--${token}`, colour);
    }
    window.dispatchEvent(new Event("themed"));
  };

  apply();
  prefersDark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  const outer = around();
  if (outer) new MutationObserver(apply).observe(outer, { attributeFilter: ["class"] });
})();

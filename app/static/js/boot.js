// Duikou's one script. The parts in this folder are joined in the order of their names into /static/app.js; each is closed
// in itself and listens on the document, so neither their order nor a swap of the page's content matters.
// Nothing here is needed: every page works as plain HTML. No eval, no handlers in markup: the CSP allows neither.

// Before the first paint: say that a script is here, and give the navigation the width that the person chose.
(() => {
  const root = document.documentElement;
  const script = document.currentScript;

  const read = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage can be switched off by policy; then there are no choices
    }
  };

  root.classList.add("js");
  if (read("navigation") === "narrow") root.dataset.navigation = "narrow";

  // htmx needs this selector; where it is missing (Chromium before 92) the pages stay plain and keep working.
  if (CSS.supports("selector(title:not(svg title))")) {
    const htmx = document.createElement("script");
    htmx.src = script.dataset.htmx;
    htmx.async = false;
    document.head.append(htmx);
  }
})();

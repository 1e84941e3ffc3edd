// Single keys: ? shows them, / searches, j k walk the rows, x selects, Enter opens, g h goes home.
(() => {
  const OFF = "keys-off";
  let before = ""; // the key before this one, for "g h"

  const isOff = () => {
    try {
      return localStorage.getItem(OFF) === "1";
    } catch {
      return false;
    }
  };

  const isTyping = (element) =>
    element.closest("input:not([type='checkbox']):not([type='radio']), textarea, select, [contenteditable='true']") !== null;

  const rows = () => [...document.querySelectorAll("[data-rows] > tbody > tr")];
  const currentRow = () => (document.activeElement ? document.activeElement.closest("[data-rows] > tbody > tr") : null);

  const walk = (step) => {
    const all = rows();
    if (all.length === 0) return;
    const at = all.indexOf(currentRow());
    const next = at === -1 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
    const row = all[next];
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };

  const openRow = (row) => {
    const link = row.querySelector(".row-title a, a");
    if (link) link.click();
  };

  const selectRow = (row) => {
    const box = row.querySelector("[data-select-row]");
    if (box) box.click();
  };

  // What each key does; true means that the key was used.
  const press = (key) => {
    const row = currentRow();
    if (before === "g" && key === "h") {
      const home = document.querySelector("[data-home]");
      if (home) home.click();
    } else if (key === "?") {
      const help = document.getElementById("keys");
      if (!help) return false;
      help.showModal();
    } else if (key === "/") {
      const search = document.querySelector("[data-search]");
      if (!search) return false;
      search.focus();
      search.select();
    } else if (key === "j") {
      walk(1);
    } else if (key === "k") {
      walk(-1);
    } else if (key === "x" && row) {
      selectRow(row);
    } else if (key === "Enter" && row && row === document.activeElement) {
      openRow(row);
    } else {
      return false;
    }
    return true;
  };

  document.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing;
    if (!plain || event.defaultPrevented || isOff() || isTyping(event.target) || document.querySelector("dialog[open]")) {
      before = "";
      return;
    }
    if (press(event.key)) event.preventDefault();
    before = event.key;
  });

  // Esc leaves the search box, back to the page.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches && event.target.matches("[data-search]")) event.target.blur();
  });

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys-switch]")) return;
    try {
      if (event.target.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch {
      event.target.checked = true; // cannot be kept, so it is not promised
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    const box = document.querySelector("[data-keys-switch]");
    if (box) box.checked = !isOff();
  });
})();

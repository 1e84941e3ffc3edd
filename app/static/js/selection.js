// Selected rows and the bar that acts on them. The boxes belong to the bar's form (form="bulk"), so the browser itself
// posts the selection; this only counts and shows.
(() => {
  const boxesOf = (bar) => [...bar.elements].filter((element) => element.matches("[data-select-row]"));

  const show = (bar) => {
    const boxes = boxesOf(bar);
    const chosen = boxes.filter((box) => box.checked);
    bar.classList.toggle("is-active", chosen.length > 0);
    bar.querySelector("[data-bulk-count]").textContent = String(chosen.length);
    for (const box of boxes) box.closest("tr").classList.toggle("is-selected", box.checked);
    const table = boxes.length > 0 ? boxes[0].closest("table") : null;
    const all = table ? table.querySelector("[data-select-all]") : null;
    if (!all) return;
    all.checked = chosen.length === boxes.length;
    all.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
  };

  const showAll = () => document.querySelectorAll("[data-bulk]").forEach(show);

  const choose = (boxes, checked) => {
    for (const box of boxes) box.checked = checked;
    showAll();
  };

  // Shift and click selects everything between two boxes, as in a mail program or a spreadsheet.
  let last = null;
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (box.matches("[data-bulk-clear]")) {
      choose(boxesOf(box.form), false);
    } else if (box.matches("[data-select-row]")) {
      const boxes = boxesOf(box.form);
      const from = boxes.indexOf(last);
      if (event.shiftKey && from !== -1) {
        const [start, end] = [from, boxes.indexOf(box)].sort((a, b) => a - b);
        choose(boxes.slice(start, end + 1), box.checked);
      }
      last = box;
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-all]")) {
      choose(event.target.closest("table").querySelectorAll("[data-select-row]"), event.target.checked);
    } else if (event.target.matches("[data-select-row]")) {
      showAll();
    }
  });

  // A browser keeps ticked boxes over a reload; swaps bring new rows.
  document.addEventListener("DOMContentLoaded", showAll);
  window.addEventListener("pageshow", showAll);
  document.addEventListener("htmx:after:swap", showAll);
})();

// Around htmx: waiting is shown, the focus is never lost, failures are told in a sentence.
(() => {
  const MARK = 100; // ms until a person notices, see the waiting styles
  const BAR = 1000;

  const word = (name) => {
    const template = document.getElementById("words");
    const found = template ? template.content.querySelector(`[data-word="${name}"]`) : null;
    return found ? found.firstElementChild.cloneNode(true) : null;
  };

  const tell = (name) => {
    const flash = document.getElementById("flash");
    const sentence = word(name);
    if (!flash || !sentence) return;
    flash.classList.add("flash--floating");
    flash.replaceChildren(sentence);
  };

  // --- a filter that was left empty does not stand in the address, neither by htmx nor by the browser itself ---
  document.addEventListener("formdata", (event) => {
    if (!event.target.matches(".filter-bar")) return;
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });

  // --- waiting ---
  let running = 0;
  let timers = [];
  let mark = null;

  const startWaiting = () => {
    running += 1;
    if (running > 1) return;
    timers = [
      setTimeout(() => {
        mark = word("waiting");
        if (mark) document.body.append(mark);
      }, MARK),
      setTimeout(() => mark && mark.classList.add("waiting--long"), BAR),
    ];
  };

  const stopWaiting = () => {
    running = Math.max(0, running - 1);
    if (running > 0) return;
    timers.forEach(clearTimeout);
    if (mark) mark.remove();
    mark = null;
  };

  document.addEventListener("htmx:before:request", startWaiting);
  document.addEventListener("htmx:finally:request", stopWaiting);

  // --- focus: where it was, else on the row that took its place, else on the page's content ---
  let place = null;

  document.addEventListener("htmx:before:swap", () => {
    const active = document.activeElement;
    if (!active || active === document.body) return;
    const row = active.closest("tr[id], li[id]");
    const group = (row && row.parentElement) || active.closest("[id]");
    place = {
      id: active.id,
      row: row ? row.id : "",
      at: row ? [...row.parentElement.children].indexOf(row) : -1,
      group: group ? group.id : "",
    };
  });

  const focusable = (element) => {
    if (!element.matches("a[href], button, input, select, textarea, summary, [tabindex]")) element.tabIndex = -1;
    return element;
  };

  document.addEventListener("htmx:after:swap", () => {
    const was = place;
    place = null;
    if (!was || (document.activeElement && document.activeElement !== document.body)) return;
    const group = was.group ? document.getElementById(was.group) : null;
    const neighbour = group && was.at >= 0 ? group.children[Math.min(was.at, group.children.length - 1)] : null;
    const target =
      (was.id && document.getElementById(was.id)) || (was.row && document.getElementById(was.row)) || neighbour || group || document.getElementById("main");
    if (target) focusable(target).focus({ preventScroll: true });
  });

  // --- answers to the flash region float, so that nothing moves under the pointer ---
  document.addEventListener("htmx:after:settle", (event) => {
    if (event.target.id === "flash") event.target.classList.add("flash--floating");
  });

  // --- failures ---
  // A refusal would stand in for the row or list that was asked for; it goes to the flash region instead. A form that
  // comes back with its errors is no refusal: it is meant for its place, whatever its status.
  document.addEventListener("htmx:after:request", (event) => {
    const { response, hx, text } = event.detail.ctx;
    const refused = text.includes('id="refusal"');
    if (response.status < 400 || hx.retarget || !(refused || response.status >= 500)) return;
    hx.retarget = "#flash";
    hx.reswap = "innerHTML";
    hx.reselect = "#refusal";
  });

  document.addEventListener("htmx:after:swap", (event) => {
    const { response } = event.detail.ctx;
    const flash = document.getElementById("flash");
    if (response && response.status >= 500 && flash && flash.childElementCount === 0) tell("failed");
  });

  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx) tell("unreachable");
  });
})();

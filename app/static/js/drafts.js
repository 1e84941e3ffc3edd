// What a person typed is not lost: forms with data-draft keep their text in this tab until the server has accepted it,
// and leaving a changed form asks first. sessionStorage, because these computers are shared: the text goes with the tab,
// belongs to the person named on the page, and goes at sign-out. Passwords, files and hidden fields are never kept.
(() => {
  const PREFIX = "draft:";
  const DELAY = 500;
  const timers = new WeakMap();
  const changed = new Set(); // forms that were changed and not sent

  const keyOf = (form) => PREFIX + form.dataset.draft;
  const person = () => document.body.dataset.person || "";

  const isKept = (field) => field.name && !field.matches("[type='hidden'], [type='password'], [type='file'], button");
  const isChoice = (field) => field.type === "checkbox" || field.type === "radio";

  const textOf = (form) => {
    const text = [];
    for (const field of form.elements) {
      if (!isKept(field)) continue;
      if (!isChoice(field)) text.push([field.name, field.value]);
      else if (field.checked) text.push([field.name, field.value]);
    }
    return text;
  };

  const load = (key) => {
    try {
      const draft = JSON.parse(sessionStorage.getItem(key));
      return draft && draft.person === person() ? draft : null;
    } catch {
      return null;
    }
  };

  const store = (key, draft) => {
    try {
      sessionStorage.setItem(key, JSON.stringify(draft));
    } catch {
      // full or forbidden: the guard below still asks before the page is left
    }
  };

  const drop = (key) => {
    try {
      sessionStorage.removeItem(key);
    } catch {
      // nothing was kept
    }
  };

  const keys = () => {
    try {
      return Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));
    } catch {
      return [];
    }
  };

  const save = (form, sent = false) => store(keyOf(form), { person: person(), at: Date.now(), text: textOf(form), sent });

  const putBack = (form, text) => {
    const values = new Map();
    for (const [name, value] of text) values.set(name, [...(values.get(name) || []), value]);
    for (const field of form.elements) {
      if (!isKept(field)) continue;
      const kept = values.get(field.name) || [];
      if (isChoice(field)) field.checked = kept.includes(field.value);
      else if (kept.length > 0) field.value = kept.shift();
    }
    changed.add(form);
  };

  const offer = (form) => {
    // A refused form comes back with its text: nothing to offer, but what was sent is once more unsaved.
    if (form.querySelector("[data-error-summary]")) {
      save(form);
      changed.add(form);
      return;
    }
    const draft = load(keyOf(form));
    if (!draft || form.querySelector(".draft-notice")) return;
    if (JSON.stringify(draft.text) === JSON.stringify(textOf(form))) return;
    const template = document.getElementById("words");
    const notice = template.content.querySelector("[data-word='draft'] .notice").cloneNode(true);
    const time = notice.querySelector("[data-draft-time]");
    time.dateTime = new Date(draft.at).toISOString();
    time.textContent = new Date(draft.at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    notice.querySelector("[data-draft-restore]").addEventListener("click", () => {
      putBack(form, draft.text);
      notice.remove();
    });
    notice.querySelector("[data-draft-discard]").addEventListener("click", () => {
      drop(keyOf(form));
      notice.remove();
    });
    form.prepend(notice);
  };

  const refresh = () => {
    // The server tells what it did in a "done" sentence; then the drafts that were sent are no longer needed.
    if (document.querySelector("#flash .flash__item--done")) {
      for (const key of keys()) {
        const draft = load(key);
        if (draft && draft.sent) drop(key);
      }
    }
    for (const form of changed) if (!form.isConnected) changed.delete(form);
    document.querySelectorAll("form[data-draft]").forEach(offer);
  };

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form || !form.matches("form[data-draft]")) return;
    changed.add(form);
    clearTimeout(timers.get(form));
    timers.set(form, setTimeout(() => save(form), DELAY));
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-sign-out]")) {
      keys().forEach(drop);
      changed.clear();
    } else if (form.matches("form[data-draft]")) {
      clearTimeout(timers.get(form));
      save(form, true);
      changed.delete(form);
    }
  });

  window.addEventListener("beforeunload", (event) => {
    if (![...changed].some((form) => form.isConnected)) return;
    event.preventDefault();
    event.returnValue = ""; // Chromium before 119 asks only when this is set
  });

  document.addEventListener("DOMContentLoaded", refresh);
  document.addEventListener("htmx:after:swap", refresh);
})();

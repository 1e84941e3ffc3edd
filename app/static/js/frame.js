// The frame: width of the navigation, colours, menus, windows, messages.
(() => {
  const root = document.documentElement;

  const keep = (key, value) => {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch {
      // not kept, but it holds for this page
    }
  };

  const word = (name) => {
    const template = document.getElementById("words");
    return template ? template.content.querySelector(`[data-word="${name}"]`) : null;
  };

  // --- width of the navigation ---
  const showNavigation = () => {
    const narrow = root.dataset.navigation === "narrow";
    for (const toggle of document.querySelectorAll("[data-navigation-toggle]")) {
      toggle.setAttribute("aria-expanded", String(!narrow));
      const text = word(narrow ? "widen" : "narrow");
      if (text) toggle.querySelector(".navigation__text").textContent = text.textContent;
    }
    // Narrow links show only their drawing, so the pointer is told their name.
    for (const link of document.querySelectorAll(".navigation__link")) {
      const text = link.querySelector(".navigation__text").textContent;
      if (narrow) link.title = text;
      else link.removeAttribute("title");
    }
  };

  const toggleNavigation = () => {
    const narrow = root.dataset.navigation !== "narrow";
    if (narrow) root.dataset.navigation = "narrow";
    else delete root.dataset.navigation;
    keep("navigation", narrow ? "narrow" : null);
    showNavigation();
  };

  // --- colours ---
  // The same cookie that the form's route sets, without the reload.
  const chooseTheme = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.value === theme));
    }
  };

  // --- menus and questions, opened by <details> ---
  const closeDetails = (details) => {
    details.open = false;
    details.querySelector("summary").focus();
  };

  const closeOtherMenus = (target) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
  };

  document.addEventListener("click", (event) => {
    const target = event.target;
    closeOtherMenus(target);
    const pressed = target.closest(
      "[data-navigation-toggle], [data-theme-choice], [data-dialog-open], [data-close-details], [data-flash-close]",
    );
    if (!pressed) return;
    const data = pressed.dataset;
    if ("navigationToggle" in data) toggleNavigation();
    else if ("themeChoice" in data) {
      event.preventDefault();
      chooseTheme(pressed.value);
    } else if ("dialogOpen" in data) document.getElementById(data.dialogOpen).showModal();
    else if ("closeDetails" in data) closeDetails(pressed.closest("details"));
    else if ("flashClose" in data) pressed.closest(".flash__item").remove();
  });

  // A question that opens takes the focus to its first field, so that the reason can be typed at once.
  document.addEventListener(
    "toggle",
    (event) => {
      const details = event.target;
      if (!details.open || !details.matches("details.confirm") || details.contains(document.querySelector("[data-error-summary]"))) return;
      const field = details.querySelector("textarea, select, input:not([type='hidden'])");
      if (field) field.focus();
    },
    true,
  );

  // Esc closes the innermost open thing; a <dialog> closes itself.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const inside = event.target.closest ? event.target.closest("details.menu[open], details.confirm[open]") : null;
    const details = inside || document.querySelector("details.menu[open]");
    if (details) {
      closeDetails(details);
      event.preventDefault();
    } else if (location.hash === "#navigation") {
      location.hash = "top";
      document.querySelector(".top-bar__menu").focus();
      event.preventDefault();
    }
  });

  // The drawer takes the focus when it opens.
  window.addEventListener("hashchange", () => {
    if (location.hash !== "#navigation") return;
    const link = document.querySelector(".navigation__close");
    if (link) link.focus();
  });

  document.addEventListener("DOMContentLoaded", showNavigation);
})();

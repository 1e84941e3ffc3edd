// "3 days ago" stays true while a page stays open. The server writes the first words; these follow it.
(() => {
  const UNITS = [
    ["year", 31536000],
    ["month", 2592000],
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ];
  const MINUTE = 60000;

  const words = (moment, now) => {
    const seconds = Math.round((moment - now) / 1000);
    const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) || ["minute", 60];
    return format.format(Math.trunc(seconds / size), unit);
  };

  // Only what is younger than two days changes while somebody looks; older words stay as the server wrote them.
  const refresh = () => {
    const now = Date.now();
    for (const time of document.querySelectorAll("time[data-moment]")) {
      const moment = Date.parse(time.dateTime);
      const age = now - moment;
      if (age > MINUTE && age < 2880 * MINUTE) time.textContent = words(moment, now);
    }
  };

  setInterval(() => {
    if (!document.hidden) refresh();
  }, MINUTE);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
})();

// Says on a page that somebody else has changed what it shows. A stream of events where nothing on the way holds it back,
// else a question every half minute; neither while the tab is in the background. The page changes only when asked to.
(() => {
  const HELLO_WITHIN = 15000;
  const ASK_EVERY = 30000;
  const CUTS = 3; // so often may a stream break before its first word; then the way is taken for closed

  let place = null; // the element that listens, and what it has
  let stream = null;
  let timer = null;
  let cuts = 0;

  const stop = () => {
    if (stream) stream.close();
    stream = null;
    clearTimeout(timer);
    timer = null;
  };

  const show = () => {
    stop();
    const words = document.getElementById("words");
    const note = words && words.content.querySelector("[data-word='updated']");
    if (note && place) place.replaceChildren(...note.cloneNode(true).childNodes);
    place = null;
  };

  const ask = async () => {
    const asked = place;
    timer = setTimeout(ask, ASK_EVERY);
    try {
      const answer = await fetch(asked.dataset.live, { headers: { Accept: "application/json" }, redirect: "error" });
      if (place !== asked) return;
      if (answer.status === 200) {
        if ((await answer.json()).changed) show();
      } else if (answer.status !== 503 && answer.status !== 429) stop(); // no longer allowed: the next click will say so
    } catch {
      // Out of reach, or signed out; the next question may be answered.
    }
  };

  const listen = () => {
    stream = new EventSource(place.dataset.live);
    timer = setTimeout(instead, HELLO_WITHIN);
    stream.addEventListener("hello", () => {
      cuts = 0;
      clearTimeout(timer);
    });
    stream.addEventListener("change", show);
    stream.addEventListener("error", () => {
      cuts += 1;
      // A refusal closes the stream for good; a cut one is opened again by the browser.
      if (cuts > CUTS || stream.readyState === EventSource.CLOSED) instead();
    });
  };

  const instead = () => {
    stop();
    cuts = CUTS + 1;
    timer = setTimeout(ask, 1000);
  };

  const begin = () => {
    const found = document.querySelector("[data-live]:empty");
    if (found === place && (stream || timer)) return;
    stop();
    place = found;
    if (!place || document.hidden) return;
    if (cuts > CUTS || !window.EventSource) ask();
    else listen();
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-live-show]")) location.reload();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : begin()));
  document.addEventListener("DOMContentLoaded", begin);
  document.addEventListener("htmx:after:swap", begin);
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) begin();
  });
})();

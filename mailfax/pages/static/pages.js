// What pages do more where scripts run: they change by themselves, and take files that are dropped. Without it, all works.
"use strict";

// The server says that something was stored; this page is asked for again, and what is marked in it is exchanged.
function live() {
  if (!document.querySelector("[data-live]")) return;
  let busy = false, again = false;
  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" } });
      if (answer.redirected || !answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-live]")) {
        const now = fresh.getElementById(old.id);
        if (!now || now.innerHTML === old.innerHTML) continue;
        const focused = old.contains(document.activeElement) ? document.activeElement : null;
        if (focused && focused.matches("input, select, textarea")) continue;
        const key = focused && (focused.id ? "#" + CSS.escape(focused.id) : focused.getAttribute("href") && "a[href=" + JSON.stringify(focused.getAttribute("href")) + "]");
        old.replaceChildren(...now.childNodes);
        if (key) old.querySelector(key)?.focus();
      }
    } catch { /* the server is away: the next event tries again */ } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  }
  // Browsers open few connections to a server: a window that nobody looks at needs none.
  let events = null;
  function listen() {
    events?.close();
    events = document.hidden ? null : new EventSource("/live");
    if (events) events.onmessage = refresh;
  }
  document.addEventListener("visibilitychange", () => { listen(); if (!document.hidden) refresh(); });
  addEventListener("pagehide", () => events?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });
  listen();
}

function drop() {
  for (const place of document.querySelectorAll("[data-drop]")) {
    const input = place.querySelector("input[type=file]");
    for (const name of ["dragover", "dragleave", "drop"]) {
      place.addEventListener(name, (event) => {
        event.preventDefault();
        place.classList.toggle("over", name === "dragover");
        if (name === "drop" && event.dataTransfer.files.length) input.files = event.dataTransfer.files;
      });
    }
  }
}

live();
drop();

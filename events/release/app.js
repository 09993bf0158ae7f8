// The sample frontend: shows which instance this is and how it is.
(function () {
  "use strict";

  const config = window.__GIMBAL__ || {};
  const place = (id) => document.getElementById(id);
  const host = location.hostname.replace(/\.localhost$/, "");

  // The customer's name stands in the host name: acme-dental.gimbal.app.
  const name = host.split(".")[0].split("-").filter(Boolean)
    .map((word) => word[0].toUpperCase() + word.slice(1)).join(" ") || "Gimbal";

  // Without branding of its own an instance has a colour of its own all the same.
  function colourOf(text) {
    let hue = 0;
    for (const c of text || "") hue = (hue * 31 + c.charCodeAt(0)) % 360;
    return `hsl(${hue} 52% 48%)`;
  }

  function paint(colour) {
    document.documentElement.style.setProperty("--brand", colour);
  }

  function show(id, text) {
    place(id).textContent = text || "–";
  }

  function span(seconds) {
    const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    const parts = [];
    for (const [unit, size] of units) {
      const n = Math.floor(seconds / size);
      seconds -= n * size;
      if (n > 0) parts.push(`${n} ${unit}`);
    }
    return parts.slice(0, 2).join(" ") || "0 s";
  }

  function projectOf(url) {
    const found = /^https?:\/\/([a-z]{20})\./.exec(url || "") || /\/project\/([a-z]{20})/.exec(url || "");
    return found ? found[1] : "";
  }

  function word(element, text, good) {
    element.textContent = text || "–";
    element.classList.toggle("good", good);
    element.classList.toggle("bad", !good);
  }

  async function check() {
    let health = {};
    try {
      const answer = await fetch("/api/health", { cache: "no-store" });
      health = await answer.json();
    } catch (unreachable) {
      health = { status: "unreachable" };
    }
    word(place("state"), health.status, health.status === "healthy");
    for (const part of place("parts").children) {
      word(part.lastElementChild, health[part.dataset.part], health[part.dataset.part] === part.dataset.good);
    }
    // The page and the function are of one deployment, so both must name the same instance.
    const same = !health.instance_id || health.instance_id === config.VITE_INSTANCE_ID;
    if (!same) word(place("state"), "wrong instance", false);
    show("version", health.version);
    show("uptime", Number.isFinite(health.uptime_seconds) ? span(health.uptime_seconds) : "");
    show("checked", `Checked at ${new Date().toLocaleTimeString()}`);
  }

  // Branding is in the instance's database, if anonymous readers may see it.
  async function brand() {
    if (!config.VITE_SUPABASE_URL || !config.VITE_SUPABASE_ANON_KEY) return;
    try {
      const answer = await fetch(`${config.VITE_SUPABASE_URL}/rest/v1/instance_config?select=primary_color&limit=1`, {
        headers: { apikey: config.VITE_SUPABASE_ANON_KEY, Authorization: `Bearer ${config.VITE_SUPABASE_ANON_KEY}` },
        signal: AbortSignal.timeout(5000),
      });
      const rows = answer.ok ? await answer.json() : [];
      const colour = Array.isArray(rows) && rows[0] && rows[0].primary_color;
      if (/^#[0-9a-f]{6}$/i.test(colour || "")) paint(colour);
    } catch (unreachable) {
      // The colour from the id stays.
    }
  }

  document.title = name;
  show("name", name);
  show("host", host);
  show("mark", name[0]);
  show("instance", config.VITE_INSTANCE_ID);
  show("project", projectOf(config.VITE_SUPABASE_URL));
  paint(colourOf(config.VITE_INSTANCE_ID));
  place("again").addEventListener("click", check);
  check();
  brand();
})();

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

  function paint(name, colour) {
    document.documentElement.style.setProperty(name, colour);
  }

  function isColour(text) {
    return /^#[0-9a-f]{6}$/i.test(text || "");
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

  // Only what lies in the instance's own Storage is shown.
  function ours(address) {
    return typeof address === "string" && address.startsWith(`${config.VITE_SUPABASE_URL}/storage/v1/object/public/`);
  }

  function showLogo(address) {
    const logo = new Image();
    logo.alt = "";
    logo.addEventListener("load", () => {
      place("mark").replaceChildren(logo);
      place("mark").classList.add("logo");
    });
    logo.src = address;
  }

  // The customer's images are named by a document in the instance's Storage, which visitors may read before they sign in.
  async function brand() {
    if (!config.VITE_THEME_URL) return;
    try {
      const answer = await fetch(config.VITE_THEME_URL, { signal: AbortSignal.timeout(5000) });
      const theme = answer.ok ? await answer.json() : {};
      if (ours(theme.logo_url)) showLogo(theme.logo_url);
      if (ours(theme.favicon_url)) document.querySelector("link[rel=icon]").href = theme.favicon_url;
    } catch (unreachable) {
      // The letter and the icon of every instance stay.
    }
  }

  document.title = name;
  show("name", name);
  show("host", host);
  show("mark", name[0]);
  show("instance", config.VITE_INSTANCE_ID);
  show("project", projectOf(config.VITE_SUPABASE_URL));
  paint("--brand", isColour(config.VITE_PRIMARY_COLOR) ? config.VITE_PRIMARY_COLOR : colourOf(config.VITE_INSTANCE_ID));
  if (isColour(config.VITE_SECONDARY_COLOR)) paint("--accent", config.VITE_SECONDARY_COLOR);
  place("again").addEventListener("click", check);
  check();
  brand();
})();

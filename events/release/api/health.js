// GET /api/health: how this instance is. 200 when all of it works, 503 otherwise.
const { version } = require("../version.json");

const url = (process.env.VITE_SUPABASE_URL || "").replace(/\/$/, "");
const key = process.env.VITE_SUPABASE_ANON_KEY || "";
const instance = process.env.VITE_INSTANCE_ID || "";
const allowedOrigin = process.env.CORS_ALLOWED_ORIGIN || "";

async function works(path) {
  if (!url || !key) return false;
  try {
    const answer = await fetch(url + path, {
      headers: { apikey: key, Authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(5000),
    });
    return answer.status === 200;
  } catch {
    return false;
  }
}

// allowOrigin lets the pages of the instance's own origin read the answer, and those of no other.
function allowOrigin(request, response) {
  response.setHeader("Vary", "Origin");
  if (allowedOrigin !== "" && request.headers.origin === allowedOrigin) {
    response.setHeader("Access-Control-Allow-Origin", allowedOrigin);
    response.setHeader("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
  }
}

module.exports = async (request, response) => {
  allowOrigin(request, response);
  if (request.method === "OPTIONS") {
    response.status(204).end();
    return;
  }
  const [auth, database] = await Promise.all([works("/auth/v1/health"), works("/rest/v1/")]);
  const healthy = auth && database && instance !== "";
  response.setHeader("Cache-Control", "no-store");
  response.status(healthy ? 200 : 503).json({
    status: healthy ? "healthy" : "unhealthy",
    instance_id: instance,
    supabase: auth || database ? "connected" : "unreachable",
    database: database ? "healthy" : "unhealthy",
    auth: auth ? "operational" : "down",
    version,
    uptime_seconds: Math.floor(process.uptime()),
  });
};

// GET /api/health: how this instance is. 200 when all of it works, 503 otherwise.
const { version } = require("../version.json");

const url = (process.env.VITE_SUPABASE_URL || "").replace(/\/$/, "");
const key = process.env.VITE_SUPABASE_ANON_KEY || "";
const instance = process.env.VITE_INSTANCE_ID || "";

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

module.exports = async (request, response) => {
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

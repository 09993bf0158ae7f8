package edge_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// asked runs the sample release's health function itself, with every part of the instance answering, and prints what it
// answers to a list of requests.
const asked = `
global.fetch = async () => ({ status: 200 });
const health = require(process.argv[1]);
(async () => {
  const answers = [];
  for (const [method, origin] of JSON.parse(process.argv[2])) {
    const headers = {};
    const answer = { headers, status: 0 };
    const response = {
      setHeader: (name, value) => { headers[name.toLowerCase()] = value; },
      status: (code) => { answer.status = code; return response; },
      json: () => {}, end: () => {},
    };
    await health({ method, headers: origin === "" ? {} : { origin } }, response);
    answers.push(answer);
  }
  console.log(JSON.stringify(answers));
})();
`

// TestSampleFunctionAllowsItsOriginAlone: what the simulated edge imitates is what the file does.
func TestSampleFunctionAllowsItsOriginAlone(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node to run the release's function with")
	}
	file, err := filepath.Abs(filepath.Join(sample, "release", "api", "health.js"))
	if err != nil {
		t.Fatal(err)
	}
	const own = "https://acme.gimbal.app"
	requests := [][2]string{{"GET", own}, {"OPTIONS", own}, {"GET", "https://other.gimbal.app"}, {"OPTIONS", "https://other.gimbal.app"},
		{"GET", ""}, {"GET", own + ".evil.example"}, {"GET", "null"}}
	list, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	for _, allowed := range []string{own, ""} {
		command := exec.CommandContext(t.Context(), node, "-e", asked, file, string(list))
		command.Env = []string{"CORS_ALLOWED_ORIGIN=" + allowed, "VITE_SUPABASE_URL=https://ref.supabase.test", "VITE_SUPABASE_ANON_KEY=k", "VITE_INSTANCE_ID=i-1"}
		text, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		var answers []struct {
			Headers map[string]string `json:"headers"`
			Status  int               `json:"status"`
		}
		if err := json.Unmarshal(text, &answers); err != nil || len(answers) != len(requests) {
			t.Fatalf("%v: %s", err, text)
		}
		for i, a := range answers {
			want := ""
			if requests[i][1] == own && allowed == own {
				want = own
			}
			status := map[string]int{"GET": 200, "OPTIONS": 204}[requests[i][0]]
			if a.Headers["access-control-allow-origin"] != want || a.Headers["vary"] != "Origin" || a.Status != status {
				t.Errorf("with %q allowed, %q: %+v", allowed, requests[i], a)
			}
		}
	}
}

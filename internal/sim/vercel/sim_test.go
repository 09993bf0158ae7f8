package vercel_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
)

const (
	host = "acme.gimbal.app"
	team = "?teamId=team_1"
)

type names struct {
	mu      sync.Mutex
	target  string
	proxied bool
}

func (n *names) LookupCNAME(string) (string, bool, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.target, n.proxied, n.target != ""
}

func (n *names) set(target string, proxied bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.target, n.proxied = target, proxied
}

// bench is a simulator without a client of ours.
type bench struct {
	*testing.T
	sim   *vercel.Sim
	names *names
}

func newBench(t *testing.T, o sim.Options) *bench {
	n := &names{}
	o.Clock = clock.System()
	return &bench{t, vercel.New(o, vercel.Config{Token: "t", Team: "team_1", Resolver: n}), n}
}

// call sends a request as an authorised team member and decodes the answer.
func (b *bench) call(method, path string, body any, want int) map[string]any {
	b.Helper()
	var content []byte
	switch body := body.(type) {
	case nil:
	case []byte:
		content = body
	default:
		var err error
		if content, err = json.Marshal(body); err != nil {
			b.Fatal(err)
		}
	}
	req := httptest.NewRequest(method, path, bytes.NewReader(content))
	req.Header.Set("Authorization", "Bearer t")
	if bytes, is := body.([]byte); is {
		req.Header.Set("X-Vercel-Digest", sha(bytes))
	}
	w := httptest.NewRecorder()
	b.sim.ServeHTTP(w, req)
	if w.Code != want {
		b.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	document := map[string]any{}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
			b.Fatal(err)
		}
	}
	return document
}

type doc = map[string]any

func code(document doc) string {
	failure, _ := document["error"].(doc)
	text, _ := failure["code"].(string)
	return text
}

func (b *bench) project(name string) string {
	b.Helper()
	made := b.call("POST", "/v11/projects"+team, doc{"name": name, "environmentVariables": []doc{
		{"key": "FLEET_INSTANCE_ID", "value": "i-1", "type": "plain", "target": []string{"production", "preview"}},
	}}, 200)
	return made["id"].(string)
}

func (b *bench) deploy(project string) string {
	b.Helper()
	return b.call("POST", "/v13/deployments"+team+"&forceNew=1", doc{
		"name": "x", "project": project, "target": "production", "projectSettings": doc{"framework": nil},
		"meta": doc{"operationId": "op"}, "files": []doc{{"file": "index.html", "data": "hello"}},
	}, 200)["id"].(string)
}

func TestWhoMayAsk(t *testing.T) {
	b := newBench(t, sim.Options{})
	for _, test := range []struct {
		name, query, authorization string
		want                       int
	}{
		{"nobody", team, "", 403},
		{"wrong token", team, "Bearer x", 403},
		{"no team", "", "Bearer t", 404},
		{"wrong team", "?teamId=team_2", "Bearer t", 404},
		{"member", team, "Bearer t", 200},
	} {
		req := httptest.NewRequest("POST", "/v11/projects"+test.query, strings.NewReader(`{"name":"acme"}`))
		req.Header.Set("Authorization", test.authorization)
		w := httptest.NewRecorder()
		b.sim.ServeHTTP(w, req)
		if w.Code != test.want {
			t.Errorf("%s: %d %s", test.name, w.Code, w.Body)
		}
	}
	if held := b.sim.Inventory(); len(held) != 1 {
		t.Errorf("held %v", held)
	}
}

func TestRequestsThatVercelRefuses(t *testing.T) {
	b := newBench(t, sim.Options{})
	p := b.project("acme")
	variable := func(change doc) []doc {
		v := doc{"key": "A", "value": "1", "type": "plain", "target": []string{"production"}}
		for key, value := range change {
			v[key] = value
		}
		return []doc{v}
	}
	files := func(f ...doc) doc {
		return doc{"name": "x", "project": p, "projectSettings": doc{}, "files": f}
	}
	for _, test := range []struct {
		name, method, path string
		body               any
		status             int
		code               string
	}{
		{"unknown field", "POST", "/v11/projects", doc{"name": "b", "nmae": "c"}, 400, "bad_request"},
		{"no name", "POST", "/v11/projects", doc{}, 400, "bad_request"},
		{"capitals", "POST", "/v11/projects", doc{"name": "Acme"}, 400, "bad_request"},
		{"three dashes", "POST", "/v11/projects", doc{"name": "a---b"}, 400, "bad_request"},
		{"too long", "POST", "/v11/projects", doc{"name": strings.Repeat("a", 101)}, 400, "bad_request"},
		{"taken", "POST", "/v11/projects", doc{"name": "acme"}, 409, "conflict"},
		{"variable without target", "POST", "/v11/projects", doc{"name": "b", "environmentVariables": []doc{{"key": "A", "value": "1"}}}, 400, "bad_request"},
		{"no such project", "GET", "/v9/projects/none", nil, 404, "not_found"},
		{"delete nothing", "DELETE", "/v9/projects/none", nil, 404, "not_found"},
		{"variables of nothing", "POST", "/v10/projects/none/env", variable(nil), 404, "not_found"},
		{"not JSON", "POST", "/v10/projects/acme/env", []byte("{"), 400, "bad_request"},
		{"domain without a dot", "POST", "/v10/projects/acme/domains", doc{"name": "localhost"}, 400, "invalid_domain"},
		{"domain of nothing", "POST", "/v10/projects/none/domains", doc{"name": host}, 404, "not_found"},
		{"domain that isn't there", "GET", "/v9/projects/acme/domains/" + host, nil, 404, "not_found"},
		{"config of nonsense", "GET", "/v6/domains/localhost/config", nil, 400, "invalid_domain"},
		{"absolute path", "POST", "/v13/deployments", files(doc{"file": "/a", "data": ""}), 400, "bad_request"},
		{"path upwards", "POST", "/v13/deployments", files(doc{"file": "../a", "data": ""}), 400, "bad_request"},
		{"file without content", "POST", "/v13/deployments", files(doc{"file": "a"}), 400, "bad_request"},
		{"file with both", "POST", "/v13/deployments", files(doc{"file": "a", "data": "", "sha": sha(nil)}), 400, "bad_request"},
		{"unknown file", "POST", "/v13/deployments", files(doc{"file": "a", "sha": sha([]byte("?")), "size": 1}), 400, "missing_files"},
		{"no settings", "POST", "/v13/deployments", doc{"name": "x", "project": p, "files": []doc{{"file": "a", "data": ""}}}, 400, "missing_project_settings"},
		{"no such page", "GET", "/v7/deployments?limit=1000", nil, 400, "bad_request"},
		{"no such path", "GET", "/v99/nothing", nil, 404, "not_found"},
	} {
		path := test.path + team
		if strings.Contains(test.path, "?") {
			path = test.path + "&" + team[1:]
		}
		if got := code(b.call(test.method, path, test.body, test.status)); got != test.code {
			t.Errorf("%s: code %q", test.name, got)
		}
	}
	if held := b.sim.Inventory(); len(held) != 1 {
		t.Errorf("a refused request took effect: %v", held)
	}
}

func TestUploadChecksDigest(t *testing.T) {
	b := newBench(t, sim.Options{})
	req := httptest.NewRequest("POST", "/v2/files"+team, strings.NewReader("content"))
	req.Header.Set("Authorization", "Bearer t")
	req.Header.Set("X-Vercel-Digest", sha([]byte("other")))
	w := httptest.NewRecorder()
	b.sim.ServeHTTP(w, req)
	if w.Code != 400 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestVariables(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.project("acme")
	set := func(query string, vars ...doc) (created, failed int) {
		t.Helper()
		document := b.call("POST", "/v10/projects/acme/env"+team+query, vars, 201)
		return len(document["created"].([]any)), len(document["failed"].([]any))
	}
	plain := doc{"key": "A", "value": "1", "type": "plain", "target": []string{"production"}}
	hidden := doc{"key": "B", "value": "2", "type": "sensitive", "target": []string{"production"}}
	wrong := doc{"key": "C", "value": "3", "type": "sensitive", "target": []string{"development"}}
	if created, failed := set("", plain, hidden, wrong); created != 2 || failed != 1 {
		t.Errorf("%d created, %d failed", created, failed)
	}
	if created, failed := set("", plain); created != 0 || failed != 1 {
		t.Errorf("without upsert: %d created, %d failed", created, failed)
	}
	if created, failed := set("&upsert=true", plain); created != 1 || failed != 0 {
		t.Errorf("with upsert: %d created, %d failed", created, failed)
	}
	values := map[string]any{}
	for _, v := range b.call("GET", "/v10/projects/acme/env"+team, nil, 200)["envs"].([]any) {
		values[v.(doc)["key"].(string)] = v.(doc)["value"]
	}
	if diff := cmp.Diff(map[string]any{"A": "1", "B": "", "FLEET_INSTANCE_ID": "i-1"}, values); diff != "" {
		t.Error(diff)
	}
}

func TestFailIsVercelsErrorDocument(t *testing.T) {
	b := newBench(t, sim.Options{})
	w := httptest.NewRecorder()
	b.sim.Fail(w, 429, 1500*time.Millisecond)
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 429 || w.Header().Get("Retry-After") != "2" || !strings.Contains(string(body), `"code":"rate_limited"`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), body)
	}
}

func TestOperationsHaveNames(t *testing.T) {
	b := newBench(t, sim.Options{})
	for want, req := range map[string]*http.Request{
		"CreateProject":       httptest.NewRequest("POST", "/v11/projects", nil),
		"RemoveProjectDomain": httptest.NewRequest("DELETE", "/v9/projects/prj_1/domains/"+host, nil),
		"GetDeployments":      httptest.NewRequest("GET", "/v7/deployments?limit=1", nil),
		"":                    httptest.NewRequest("GET", "/v2/teams", nil),
	} {
		if got := b.sim.Operation(req); got != want {
			t.Errorf("%s %s: %q", req.Method, req.URL, got)
		}
	}
}

func FuzzRequests(f *testing.F) {
	f.Add("POST", "/v11/projects", []byte(`{"name":"acme","environmentVariables":[{"key":"A","value":"1","target":"production"}]}`))
	f.Add("POST", "/v10/projects/p/env", []byte(`[{"key":"A","value":"1","type":"plain","target":["preview"]}]`))
	f.Add("POST", "/v13/deployments", []byte(`{"name":"p","project":"p","projectSettings":{},"files":[{"file":"a","data":"eA==","encoding":"base64"}]}`))
	f.Add("POST", "/v10/projects/p/domains", []byte(`{"name":"acme.gimbal.app"}`))
	f.Add("GET", "/v7/deployments?limit=1&until=5&meta-a=b", []byte(nil))
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		b := newBench(t, sim.Options{})
		b.project("p")
		req, err := http.NewRequest(method, "https://api.vercel.test/", bytes.NewReader(body))
		if err != nil {
			return
		}
		if u, err := req.URL.Parse(path); err == nil {
			req.URL = u
			query := u.Query()
			query.Set("teamId", "team_1")
			req.URL.RawQuery = query.Encode()
		}
		req.Header.Set("Authorization", "Bearer t")
		w := httptest.NewRecorder()
		b.sim.ServeHTTP(w, req)
		if w.Code >= 500 {
			t.Errorf("%s %s: %d", method, path, w.Code)
		}
		if _, err := b.sim.Save(); err != nil {
			t.Error(err)
		}
	})
}

func sha(content []byte) string { return fmt.Sprintf("%x", sha1Sum(content)) }

package supabase

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
)

const accessToken = "sbp_test"

// world is a simulator and its clock. Made inside a synctest bubble, its time is virtual.
type world struct {
	*Sim
	clock clock.Clock
}

func newWorld(o sim.Options, s Settings) *world {
	w := &world{clock: clock.System()}
	o.Clock, s.Token, s.Organization = w.clock, accessToken, "gimbal"
	w.Sim = New(o, s)
	return w
}

func (w *world) sleep(t *testing.T, d time.Duration) {
	t.Helper()
	if err := w.clock.Sleep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// reply is an answer with its decoded body.
type reply struct {
	status int
	header http.Header
	body   any
}

// at gives a value inside the body: object fields by name, list elements by number.
func (r reply) at(t *testing.T, path ...any) any {
	t.Helper()
	v := r.body
	for _, step := range path {
		object, isObject := v.(map[string]any)
		list, isList := v.([]any)
		name, named := step.(string)
		i, numbered := step.(int)
		switch {
		case isObject && named:
			v = object[name]
		case isList && numbered && i < len(list):
			v = list[i]
		default:
			t.Fatalf("no %v in %v", step, r.body)
		}
	}
	return v
}

func (r reply) text(t *testing.T, path ...any) string {
	t.Helper()
	s, isText := r.at(t, path...).(string)
	if !isText {
		t.Fatalf("%v in %v is no text", path, r.body)
	}
	return s
}

// send makes a call; header is a list of names and values.
func send(t *testing.T, h http.Handler, method, url, body string, header ...string) reply {
	t.Helper()
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return understood(t, w.Result())
}

func understood(t *testing.T, res *http.Response) reply {
	t.Helper()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := reply{status: res.StatusCode, header: res.Header}
	if err := json.Unmarshal(data, &out.body); err != nil {
		t.Fatalf("%d %q: %v", res.StatusCode, data, err)
	}
	return out
}

// manage calls the Management API with the right token.
func (w *world) manage(t *testing.T, method, path, body string, header ...string) reply {
	t.Helper()
	return send(t, w, method, "https://api.supabase.test"+path, body, append(header, "Authorization", "Bearer "+accessToken)...)
}

const newBody = `{"name":"one","db_pass":"secret-password","organization_slug":"gimbal","region_selection":{"type":"specific","code":"eu-west-1"}}`

func named(name string) string { return strings.Replace(newBody, `"one"`, `"`+name+`"`, 1) }

func (w *world) create(t *testing.T, name string, header ...string) string {
	t.Helper()
	r := w.manage(t, "POST", "/v1/projects", named(name), header...)
	if r.status != http.StatusCreated {
		t.Fatalf("creation: %+v", r)
	}
	return r.text(t, "ref")
}

// ready gives a project that has come up, and its keys.
func (w *world) ready(t *testing.T, name string) (ref string, anonymous, service string) {
	t.Helper()
	ref = w.create(t, name)
	w.sleep(t, 10*time.Minute)
	r := w.manage(t, "GET", "/v1/projects/"+ref+"/api-keys?reveal=true", "")
	return ref, r.text(t, 0, "api_key"), r.text(t, 1, "api_key")
}

// inProject calls a project's own endpoint with a key, by its host name.
func (w *world) inProject(t *testing.T, ref, key, method, path, body string, header ...string) reply {
	t.Helper()
	header = append([]string{"apikey", key, "Authorization", "Bearer " + key}, header...)
	return send(t, w, method, "https://"+ref+".supabase.test"+path, body, header...)
}

func (w *world) status(t *testing.T, ref string) string {
	t.Helper()
	r := w.manage(t, "GET", "/v1/projects/"+ref, "")
	if r.status == http.StatusNotFound {
		return "404"
	}
	return r.text(t, "status")
}

func (w *world) listed(t *testing.T, search string) []any {
	t.Helper()
	list, isList := w.manage(t, "GET", "/v1/organizations/gimbal/projects?search="+search, "").at(t, "projects").([]any)
	if !isList {
		t.Fatal("no list")
	}
	return list
}

package cloudflare_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/cloudflare"
)

const (
	token = "test-cloudflare-token"
	zone  = "0123456789abcdef0123456789abcdef"
	path  = "/client/v4/zones/" + zone + "/dns_records"
)

func vendor(o sim.Options, c cloudflare.Config) *cloudflare.Sim {
	o.Clock = clock.System()
	c.Token, c.Zone, c.Domain = token, zone, "gimbal.app"
	return cloudflare.New(o, c)
}

// ask sends a request and gives status, error codes with those chained below, and result.
func ask(t *testing.T, s *cloudflare.Sim, method, target, body string, headers ...string) (int, []int, json.RawMessage, http.Header) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	type problem struct{ Code int }
	var e struct {
		Success bool
		Errors  []struct {
			problem
			Chain []problem `json:"error_chain"`
		}
		Messages []problem
		Result   json.RawMessage
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("%s %s: %v in %s", method, target, err, w.Body)
	}
	if e.Success != (w.Code == 200) || e.Errors == nil || e.Messages == nil {
		t.Errorf("%s %s: HTTP %d with envelope %s", method, target, w.Code, w.Body)
	}
	var codes []int
	for _, p := range e.Errors {
		codes = append(codes, p.Code)
		for _, inner := range p.Chain {
			codes = append(codes, inner.Code)
		}
	}
	return w.Code, codes, e.Result, w.Header()
}

func record(kind, name, content string) string {
	return fmt.Sprintf(`{"type":%q,"name":%q,"content":%q}`, kind, name, content)
}

// create makes a record, which must succeed, and gives its id.
func create(t *testing.T, s *cloudflare.Sim, body string) string {
	t.Helper()
	status, codes, result, _ := ask(t, s, "POST", path, body)
	var made struct{ ID string }
	if err := json.Unmarshal(result, &made); err != nil || status != 200 || len(made.ID) != 32 {
		t.Fatalf("creating %s: HTTP %d %v, %s", body, status, codes, result)
	}
	return made.ID
}

func TestWhatExcludesWhat(t *testing.T) {
	for _, test := range []struct {
		there, new string
		code       int
	}{
		{record("CNAME", "a.gimbal.app", "x.example.com"), record("CNAME", "A.gimbal.app", "X.example.com."), 81058},
		{record("CNAME", "a.gimbal.app", "x.example.com"), record("CNAME", "a.gimbal.app", "y.example.com"), 81053},
		{record("A", "a.gimbal.app", "192.0.2.1"), record("CNAME", "a.gimbal.app", "x.example.com"), 81053},
		{record("CNAME", "a.gimbal.app", "x.example.com"), record("A", "a", "192.0.2.1"), 81054},
		{record("CNAME", "a.gimbal.app", "x.example.com"), record("AAAA", "a.gimbal.app", "2001:db8::1"), 81054},
		{record("NS", "a.gimbal.app", "ns.example.com"), record("TXT", "a.gimbal.app", "x"), 81056},
		{record("TXT", "a.gimbal.app", "x"), record("TXT", "a.gimbal.app", "x"), 81057},
		{record("A", "a.gimbal.app", "192.0.2.1"), record("A", "a.gimbal.app", "192.0.2.1"), 81058},
		{record("A", "a.gimbal.app", "192.0.2.1"), record("A", "a.gimbal.app", "192.0.2.2"), 0},
		{record("TXT", "a.gimbal.app", "x"), record("TXT", "a.gimbal.app", "y"), 0},
		{record("TXT", "a.gimbal.app", "x"), record("CNAME", "a.gimbal.app", "x.example.com"), 0},
		{record("CNAME", "a.gimbal.app", "x.example.com"), record("CNAME", "b.gimbal.app", "x.example.com"), 0},
	} {
		s := vendor(sim.Options{}, cloudflare.Config{})
		create(t, s, test.there)
		status, codes, _, _ := ask(t, s, "POST", path, test.new)
		if got, want := append(codes, 0)[0], test.code; got != want || (status == 200) != (want == 0) {
			t.Errorf("%s beside %s: HTTP %d, code %d; want code %d", test.new, test.there, status, got, want)
		}
	}
}

func TestValidation(t *testing.T) {
	s := vendor(sim.Options{}, cloudflare.Config{})
	for body, code := range map[string]int{
		`{"name":"a","content":"192.0.2.1"}`:                                 9004,
		`{"type":"A","content":"192.0.2.1"}`:                                 9000,
		record("A", "a", "2001:db8::1"):                                      9005,
		record("AAAA", "a", "192.0.2.1"):                                     9006,
		record("CNAME", "a", "not a host"):                                   9007,
		record("CNAME", "a", "a.gimbal.app"):                                 9039,
		record("TXT", "a", ""):                                               9009,
		record("A", strings.Repeat("a", 64), "192.0.2.1"):                    9000,
		`{"type":"A","name":"a","content":"192.0.2.1","ttl":59}`:             9021,
		`{"type":"TXT","name":"a","content":"x","proxied":true}`:             9004,
		`{"type":"TXT","name":"a","content":"x","comment":"two\nlines"}`:     9300,
		`{"type":"TXT","name":"a","content":"x","comment":"` + long + `"}`:   9300,
		`{"type":"TXT","name":"a","content":"x","comment":"` + long[1:] + ``: 6007,
	} {
		status, codes, _, _ := ask(t, s, "POST", path, body)
		if status != 400 || len(codes) == 0 || codes[len(codes)-1] != code {
			t.Errorf("%s: HTTP %d %v, want %d", body, status, codes, code)
		}
	}
	if held := s.Inventory(); len(held) != 0 {
		t.Errorf("made %v", held)
	}
}

var long = strings.Repeat("x", 101)

func TestAuthentication(t *testing.T) {
	s := vendor(sim.Options{}, cloudflare.Config{})
	for _, test := range []struct {
		target, authorization string
		status, code          int
	}{
		{path, "", 400, 6003},
		{path, token, 400, 6003},
		{path, "Bearer wrong", 403, 9109},
		{"/client/v4/zones/ffffffffffffffffffffffffffffffff/dns_records", "Bearer " + token, 403, 10000},
		{"/client/v4/zones", "Bearer " + token, 404, 7000},
		{path + "/0123456789abcdef0123456789abcdef", "Bearer " + token, 404, 81044},
	} {
		status, codes, _, _ := ask(t, s, "GET", test.target, "", "Authorization", test.authorization)
		if status != test.status || !slices.Equal(codes, []int{test.code}) {
			t.Errorf("%s with %q: HTTP %d %v, want %d %d", test.target, test.authorization, status, codes, test.status, test.code)
		}
	}
}

func TestFilters(t *testing.T) {
	s := vendor(sim.Options{}, cloudflare.Config{})
	create(t, s, `{"type":"CNAME","name":"a.gimbal.app","content":"x.example.com","comment":"owner=fleet","proxied":true}`)
	create(t, s, record("TXT", "a.gimbal.app", "x"))
	create(t, s, record("CNAME", "aa.gimbal.app", "y.example.com"))
	for query, want := range map[string]string{
		"":                                   "CNAME a, CNAME aa, TXT a",
		"name=A.GIMBAL.app":                  "CNAME a, TXT a",
		"name.exact=a.gimbal.app":            "CNAME a, TXT a",
		"name.exact=a.gimbal.app&type=CNAME": "CNAME a",
		"name.endswith=a.gimbal.app":         "CNAME a, CNAME aa, TXT a",
		"name.exact=aa.gimbal.app&type=TXT":  "",
		"content.startswith=y":               "CNAME aa",
		"comment.present=true":               "CNAME a",
		"comment.absent=true":                "CNAME aa, TXT a",
		"proxied=true":                       "CNAME a",
		"match=any&type=TXT&content.exact=X": "TXT a",
		"match=any&type=TXT&proxied=true":    "CNAME a, TXT a",
		"per_page=2":                         "CNAME a, CNAME aa",
		"per_page=2&page=2":                  "TXT a",
		"per_page=2&page=3":                  "",
		"unheard=of":                         "CNAME a, CNAME aa, TXT a",
		"name.unheard=of&name=aa.gimbal.app": "CNAME aa",
	} {
		status, codes, result, _ := ask(t, s, "GET", path+"?"+query, "")
		var list []struct{ Type, Name string }
		if err := json.Unmarshal(result, &list); err != nil {
			t.Fatalf("%q: HTTP %d %v", query, status, codes)
		}
		var got []string
		for _, r := range list {
			got = append(got, r.Type+" "+strings.TrimSuffix(r.Name, ".gimbal.app"))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q: %v, want %s", query, got, want)
		}
	}
	for _, query := range []string{"page=0", "page=x", "per_page=5000001"} {
		if status, _, _, _ := ask(t, s, "GET", path+"?"+query, ""); status != 400 {
			t.Errorf("%q: HTTP %d", query, status)
		}
	}
}

func TestPatchKeepsTheRest(t *testing.T) {
	s := vendor(sim.Options{}, cloudflare.Config{})
	id := create(t, s, `{"type":"CNAME","name":"a","content":"x.example.com","comment":"owner=fleet","ttl":300}`)
	create(t, s, record("CNAME", "b", "x.example.com"))
	if status, codes, _, _ := ask(t, s, "PATCH", path+"/"+id, `{"proxied":true}`); status != 200 {
		t.Fatalf("HTTP %d %v", status, codes)
	}
	_, _, result, _ := ask(t, s, "GET", path+"/"+id, "")
	var got struct {
		Name, Content, Comment string
		Proxied                bool
		TTL                    int
	}
	if err := json.Unmarshal(result, &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "a.gimbal.app" || got.Content != "x.example.com" || got.Comment != "owner=fleet" || !got.Proxied || got.TTL != 1 {
		t.Errorf("changed to %+v", got)
	}
	if status, codes, _, _ := ask(t, s, "PATCH", path+"/"+id, `{"name":"b"}`); status != 400 || codes[0] != 81058 {
		t.Errorf("renaming onto another: HTTP %d %v", status, codes)
	}
	if _, proxied, ok := s.LookupCNAME("A.gimbal.app."); !ok || !proxied {
		t.Errorf("resolves proxied %v, %v", proxied, ok)
	}
	if _, _, ok := s.LookupCNAME("c.gimbal.app"); ok {
		t.Error("an absent name resolves")
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := vendor(sim.Options{}, cloudflare.Config{Calls: 3})
		headers := func() (int, string, string) {
			status, _, _, h := ask(t, s, "GET", path, "")
			return status, h.Get("Ratelimit"), h.Get("Retry-After")
		}
		for left := 2; left >= 0; left-- {
			status, limit, after := headers()
			if want := fmt.Sprintf(`"default";r=%d;t=300`, left); status != 200 || limit != want || after != "" {
				t.Errorf("HTTP %d, %s, %q; want 200, %s", status, limit, after, want)
			}
		}
		time.Sleep(4 * time.Minute)
		if status, _, after := headers(); status != 429 || after != "300" {
			t.Errorf("over the limit: HTTP %d, retry after %q", status, after)
		}
		time.Sleep(4 * time.Minute) // a new window, but the refusal lasts
		if status, limit, after := headers(); status != 429 || after != "60" || limit != `"default";r=0;t=300` {
			t.Errorf("while refused: HTTP %d, retry after %q, %s", status, after, limit)
		}
		time.Sleep(time.Minute)
		if status, _, _ := headers(); status != 200 {
			t.Errorf("after the refusal: HTTP %d", status)
		}
	})
}

func TestTimeAndLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := vendor(sim.Options{Answer: time.Second, Lag: 10 * time.Second}, cloudflare.Config{})
		start := time.Now()
		create(t, s, record("TXT", "a", "x"))
		if took := time.Since(start); took < time.Second/2 || took > time.Second {
			t.Errorf("took %v", took)
		}
		count := func() int {
			_, _, result, _ := ask(t, s, "GET", path, "")
			var list []any
			if err := json.Unmarshal(result, &list); err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		if count() != 0 {
			t.Error("a list shows the record at once")
		}
		time.Sleep(10 * time.Second)
		if count() != 1 {
			t.Error("a list doesn't show the record after the lag")
		}
	})
}

func TestSameSeedSameAnswers(t *testing.T) {
	ids := func(seed uint64, bodies ...string) []string {
		s := vendor(sim.Options{Seed: seed}, cloudflare.Config{})
		var ids []string
		for _, b := range bodies {
			ids = append(ids, create(t, s, b))
		}
		slices.Sort(ids)
		return ids
	}
	a, b := record("TXT", "a", "x"), record("TXT", "b", "x")
	if !slices.Equal(ids(1, a, b), ids(1, b, a)) {
		t.Error("ids depend on the order of creation")
	}
	if slices.Equal(ids(1, a, b), ids(2, a, b)) {
		t.Error("another seed gives the same ids")
	}
}

func TestSaveAndLoad(t *testing.T) {
	s := vendor(sim.Options{}, cloudflare.Config{})
	id := create(t, s, `{"type":"CNAME","name":"a","content":"x.example.com","comment":"owner=fleet"}`)
	saved, err := s.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := vendor(sim.Options{}, cloudflare.Config{})
	if err := again.Load(saved); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again.Inventory(), s.Inventory()) || len(s.Inventory()) != 1 {
		t.Errorf("loaded %v, want %v", again.Inventory(), s.Inventory())
	}
	if status, _, _, _ := ask(t, again, "DELETE", path+"/"+id, ""); status != 200 {
		t.Errorf("HTTP %d", status)
	}
	if create(t, again, `{"type":"CNAME","name":"a","content":"x.example.com"}`) == id {
		t.Error("an id is used again")
	}
	if again.Load([]byte("{")) == nil {
		t.Error("loaded half a document")
	}
}

// TestRenamedAndRemoved: what resolves, lists and conflicts goes by the names of now, and the serial tells of each change.
func TestRenamedAndRemoved(t *testing.T) {
	s := vendor(sim.Options{}, cloudflare.Config{})
	serial := s.Serial()
	grown := func(what string) {
		t.Helper()
		if now := s.Serial(); now <= serial {
			t.Errorf("%s: the serial is still %d", what, serial)
		}
		serial = s.Serial()
	}
	resolves := func(host string, want bool) {
		t.Helper()
		_, _, found := s.LookupCNAME(host)
		_, _, listed, _ := ask(t, s, "GET", path+"?name.exact="+strings.ToUpper(host), "")
		if found != want || strings.Contains(string(listed), host) != want {
			t.Errorf("%s resolves: %v; listed: %s", host, found, listed)
		}
	}
	_, _, made, _ := ask(t, s, "POST", path, `{"type":"CNAME","name":"a.gimbal.app","content":"x.example"}`)
	grown("made")
	var one struct{ ID string }
	if err := json.Unmarshal(made, &one); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "PATCH", path+"/"+one.ID, `{"name":"b.gimbal.app"}`)
	grown("renamed")
	resolves("a.gimbal.app", false)
	resolves("b.gimbal.app", true)
	saved, err := s.Save()
	if err == nil {
		err = s.Load(saved)
	}
	if err != nil {
		t.Fatal(err)
	}
	grown("loaded")
	resolves("b.gimbal.app", true)
	if status, _, _, _ := ask(t, s, "POST", path, `{"type":"CNAME","name":"b.gimbal.app","content":"y.example"}`); status != http.StatusBadRequest {
		t.Errorf("a second one is answered %d", status)
	}
	ask(t, s, "DELETE", path+"/"+one.ID, "")
	grown("removed")
	resolves("b.gimbal.app", false)
}

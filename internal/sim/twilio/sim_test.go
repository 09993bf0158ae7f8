package twilio_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/twilio"
)

const (
	parent = "AC00000000000000000000000000000001"
	token  = "parenttoken"
	nobody = "AC00000000000000000000000000000002"
	root   = "/2010-04-01/Accounts"
)

func open(t *testing.T) *twilio.Sim {
	t.Helper()
	return twilio.New(sim.Options{Clock: clock.System(), Seed: 7}, parent, token)
}

// caller speaks to a simulator as somebody.
type caller struct {
	t          *testing.T
	sim        *twilio.Sim
	sid, token string
}

func asParent(t *testing.T, s *twilio.Sim) caller { return caller{t, s, parent, token} }

// send gives the status and the JSON document of an answer; form nil means no body.
func (c caller) send(method, path string, form url.Values) (int, map[string]any) {
	c.t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if c.sid != "" {
		req.SetBasicAuth(c.sid, c.token)
	}
	return c.do(req)
}

func (c caller) do(req *http.Request) (int, map[string]any) {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, req)
	if w.Body.Len() == 0 {
		return w.Code, nil
	}
	if kind := w.Header().Get("Content-Type"); kind != "application/json" {
		c.t.Errorf("%s %s answers %s", req.Method, req.URL, kind)
	}
	var document map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
		c.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return w.Code, document
}

// made creates something and gives its document.
func (c caller) made(path, name string) map[string]any {
	c.t.Helper()
	status, document := c.send("POST", path, url.Values{"FriendlyName": {name}})
	if status != http.StatusCreated {
		c.t.Fatalf("POST %s: %d %v", path, status, document)
	}
	return document
}

func text(document map[string]any, field string) string {
	s, _ := document[field].(string)
	return s
}

func (c caller) names(path, records string) []string {
	c.t.Helper()
	status, document := c.send("GET", path, nil)
	list, ok := document[records].([]any)
	if status != http.StatusOK || !ok {
		c.t.Fatalf("GET %s: %d %v", path, status, document)
	}
	names := []string{}
	for _, record := range list {
		names = append(names, text(record.(map[string]any), "friendly_name"))
	}
	return names
}

func TestIDs(t *testing.T) {
	s := open(t)
	p := asParent(t, s)
	a := p.made(root+".json", "a")
	k := p.made(root+"/"+text(a, "sid")+"/Keys.json", "k")
	for value, want := range map[string]string{
		text(a, "sid"):               `^AC[0-9a-f]{32}$`,
		text(a, "auth_token"):        `^[0-9a-zA-Z]{32}$`,
		text(k, "sid"):               `^SK[0-9a-f]{32}$`,
		text(k, "secret"):            `^[0-9a-zA-Z]{32}$`,
		text(a, "owner_account_sid"): `^` + parent + `$`,
	} {
		if !regexp.MustCompile(want).MatchString(value) {
			t.Errorf("%q is not like %s", value, want)
		}
	}
	if _, err := time.Parse(time.RFC1123Z, text(a, "date_created")); err != nil {
		t.Error(err)
	}
	if again := asParent(t, open(t)).made(root+".json", "a"); text(again, "sid") != text(a, "sid") {
		t.Error("the same seed gave another id")
	}
	other := twilio.New(sim.Options{Clock: clock.System(), Seed: 8}, parent, token)
	if again := asParent(t, other).made(root+".json", "a"); text(again, "sid") == text(a, "sid") {
		t.Error("another seed gave the same id")
	}
}

func TestAccess(t *testing.T) {
	s := open(t)
	p := asParent(t, s)
	a, b := p.made(root+".json", "a"), p.made(root+".json", "b")
	own := caller{t, s, text(a, "sid"), text(a, "auth_token")}
	self, other := root+"/"+text(a, "sid"), root+"/"+text(b, "sid")
	tests := []struct {
		who    caller
		method string
		path   string
		want   int
	}{
		{caller{t, s, "", ""}, "GET", root + ".json", 401},
		{caller{t, s, parent, "wrong"}, "GET", root + ".json", 401},
		{caller{t, s, nobody, token}, "GET", root + ".json", 401},
		{own, "GET", self + ".json", 200},
		{own, "GET", self + "/Keys.json", 200},
		{own, "GET", other + ".json", 401},
		{own, "GET", other + "/Keys.json", 401},
		{own, "POST", root + ".json", 401},
		{own, "GET", root + "/" + parent + ".json", 401},
		{p, "GET", root + "/" + parent + ".json", 200},
		{p, "GET", other + ".json", 200},
		{p, "GET", root + "/" + nobody + ".json", 404},
		{p, "GET", root + "/" + nobody + "/Keys.json", 404},
		{p, "GET", other, 404}, // without .json it would be XML
		{p, "GET", "/2010-04-01/Nothing.json", 404},
		{p, "PUT", other + ".json", 404},
	}
	for _, test := range tests {
		if got, document := test.who.send(test.method, test.path, nil); got != test.want {
			t.Errorf("%s %s as %s: %d %v, want %d", test.method, test.path, test.who.sid, got, document, test.want)
		}
	}
	if got := own.names(root+".json", "accounts"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("a subaccount sees %q", got)
	}
	if status, _ := p.send("POST", self+".json", url.Values{"Status": {"suspended"}}); status != 200 {
		t.Errorf("suspending: %d", status)
	}
	if status, _ := own.send("GET", self+".json", nil); status != 401 {
		t.Errorf("a suspended account gets in: %d", status)
	}
	if status, _ := own.send("POST", self+".json", url.Values{"Status": {"active"}}); status != 401 {
		t.Errorf("a suspended account lets itself in: %d", status)
	}
	if status, _ := p.send("POST", self+".json", url.Values{"Status": {"active"}}); status != 200 {
		t.Errorf("reactivating: %d", status)
	}
	if status, _ := own.send("GET", self+".json", nil); status != 200 {
		t.Errorf("a reactivated account doesn't get in: %d", status)
	}
}

func TestClosedLinger(t *testing.T) {
	s := open(t)
	p := asParent(t, s)
	a := p.made(root+".json", "a")
	at := root + "/" + text(a, "sid")
	k := p.made(at+"/Keys.json", "k")
	if status, document := p.send("POST", at+".json", url.Values{"Status": {"closed"}}); status != 200 || text(document, "status") != "closed" {
		t.Fatalf("closing: %d %v", status, document)
	}
	for name, change := range map[string]func() (int, map[string]any){
		"reopen":     func() (int, map[string]any) { return p.send("POST", at+".json", url.Values{"Status": {"active"}}) },
		"close":      func() (int, map[string]any) { return p.send("POST", at+".json", url.Values{"Status": {"closed"}}) },
		"rename":     func() (int, map[string]any) { return p.send("POST", at+".json", url.Values{"FriendlyName": {"b"}}) },
		"new key":    func() (int, map[string]any) { return p.send("POST", at+"/Keys.json", url.Values{}) },
		"delete key": func() (int, map[string]any) { return p.send("DELETE", at+"/Keys/"+text(k, "sid")+".json", nil) },
	} {
		if status, document := change(); status != 400 || document["code"] != 21479.0 || document["status"] != 400.0 {
			t.Errorf("%s: %d %v", name, status, document)
		}
	}
	if got := p.names(root+".json", "accounts"); !slices.Equal(got, []string{"Gimbal", "a"}) {
		t.Errorf("the list is %q", got)
	}
	if got := p.names(root+".json?Status=active", "accounts"); !slices.Equal(got, []string{"Gimbal"}) {
		t.Errorf("the active are %q", got)
	}
	if got := p.names(at+"/Keys.json", "keys"); len(got) != 0 {
		t.Errorf("a closed account has keys %q", got)
	}
	if held := s.Inventory(); len(held) != 0 {
		t.Errorf("held: %v", held)
	}
}

func TestRefusals(t *testing.T) {
	s := open(t)
	s.MaxAccounts = 1
	p := asParent(t, s)
	long := strings.Repeat("ä", 65)
	a := root + "/" + text(p.made(root+".json", long[:2*64]), "sid")
	for _, test := range []struct {
		path, field, value string
		code               float64
	}{
		{root + ".json", "FriendlyName", "second", 21480},
		{root + ".json", "FriendlyName", long, 20001},
		{a + ".json", "FriendlyName", long, 20001},
		{a + ".json", "Status", "paused", 20001},
		{a + "/Keys.json", "FriendlyName", long, 20001},
		{root + "/" + parent + ".json", "Status", "closed", 20001},
	} {
		status, document := p.send("POST", test.path, url.Values{test.field: {test.value}})
		if status != 400 || document["code"] != test.code {
			t.Errorf("%s %s=%s: %d %v, want %v", test.path, test.field, test.value, status, document, test.code)
		}
	}
	req := httptest.NewRequest("POST", a+"/Keys.json", strings.NewReader(`{"FriendlyName":"k"}`))
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(parent, token)
	if status, document := p.do(req); status != 400 {
		t.Errorf("JSON for a form: %d %v", status, document)
	}
	// A closed account makes room.
	if status, _ := p.send("POST", a+".json", url.Values{"Status": {"closed"}}); status != 200 {
		t.Fatalf("closing: %d", status)
	}
	p.made(root+".json", "second")
}

func TestPaging(t *testing.T) {
	s := open(t)
	p := asParent(t, s)
	a := root + "/" + text(p.made(root+".json", "a"), "sid")
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("k%d", i)
		want = append(want, name)
		p.made(a+"/Keys.json", name)
	}
	var got []string
	pages := 0
	for at := a + "/Keys.json?PageSize=3"; at != ""; pages++ {
		got = append(got, p.names(at, "keys")...)
		_, document := p.send("GET", at, nil)
		if document["page"] != float64(pages) || document["page_size"] != 3.0 || document["start"] != float64(3*pages) {
			t.Errorf("page %d: %v", pages, document)
		}
		at = text(document, "next_page_uri")
		if strings.Contains(at, "://") {
			t.Errorf("the next page's address is not relative: %s", at)
		}
	}
	if pages != 3 || !slices.Equal(got, want) {
		t.Errorf("%d pages of %q, want 3 of %q", pages, got, want)
	}
	for _, query := range []string{"PageSize=0", "PageSize=1001", "PageSize=x", "Page=-1"} {
		if status, _ := p.send("GET", a+"/Keys.json?"+query, nil); status != 400 {
			t.Errorf("%s: %d", query, status)
		}
	}
}

func TestListLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := twilio.New(sim.Options{Clock: clock.System(), Lag: 10 * time.Second, Answer: time.Second}, parent, token)
		p := asParent(t, s)
		start := time.Now()
		a := p.made(root+".json", "a")
		if took := time.Since(start); took < 500*time.Millisecond || took > time.Second {
			t.Errorf("a call took %v", took)
		}
		if got := p.names(root+".json?FriendlyName=a", "accounts"); len(got) != 0 {
			t.Errorf("at once: %q", got)
		}
		if status, _ := p.send("GET", root+"/"+text(a, "sid")+".json", nil); status != 200 {
			t.Errorf("by id: %d", status)
		}
		if held := s.Inventory(); len(held) != 1 {
			t.Errorf("held: %v", held)
		}
		time.Sleep(10 * time.Second)
		if got := p.names(root+".json?FriendlyName=a", "accounts"); len(got) != 1 {
			t.Errorf("later: %q", got)
		}
	})
}

func TestInventoryAndState(t *testing.T) {
	s := open(t)
	p := asParent(t, s)
	b, a := p.made(root+".json", "b"), p.made(root+".json", "a")
	k := p.made(root+"/"+text(b, "sid")+"/Keys.json", "k")
	want := []sim.Held{
		{Kind: "twilio_key", Name: "k", ID: text(k, "sid"), Mark: text(b, "sid")},
		{Kind: "twilio_subaccount", Name: "a", ID: text(a, "sid"), Status: "active"},
		{Kind: "twilio_subaccount", Name: "b", ID: text(b, "sid"), Status: "active"},
	}
	if got := s.Inventory(); !reflect.DeepEqual(got, want) {
		t.Errorf("held %v, want %v", got, want)
	}
	saved, err := s.Save()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(saved), text(k, "secret")) {
		t.Error("a key's secret is kept")
	}
	again := open(t)
	if err := again.Load(saved); err != nil {
		t.Fatal(err)
	}
	if got := again.Inventory(); !reflect.DeepEqual(got, want) {
		t.Errorf("after loading %v, want %v", got, want)
	}
	if c := asParent(t, again).made(root+".json", "c"); text(c, "sid") == text(a, "sid") || text(c, "sid") == text(b, "sid") {
		t.Error("an id was handed out twice")
	}
	stranger := twilio.New(sim.Options{Clock: clock.System()}, nobody, token)
	for _, state := range []string{"{}", "x", string(saved)} {
		if err := stranger.Load([]byte(state)); err == nil {
			t.Errorf("another's state was loaded: %.20s", state)
		}
	}
}

func TestFail(t *testing.T) {
	for status, code := range map[int]float64{429: 20429, 500: 20500, 403: 20403} {
		w := httptest.NewRecorder()
		open(t).Fail(w, status, 1500*time.Millisecond)
		var document map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
			t.Fatal(err)
		}
		if w.Code != status || document["code"] != code || w.Header().Get("Retry-After") != "2" {
			t.Errorf("%d: %d %v %v", status, w.Code, w.Header(), document)
		}
	}
}

// TestConcurrent is for the race detector.
func TestConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := twilio.New(sim.Options{Clock: clock.System(), Answer: time.Second}, parent, token)
		for i := range 20 {
			go asParent(t, s).send("POST", root+".json", url.Values{"FriendlyName": {fmt.Sprint(i)}})
			go s.Inventory()
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if held := s.Inventory(); len(held) != 20 {
			t.Errorf("held %d", len(held))
		}
	})
}

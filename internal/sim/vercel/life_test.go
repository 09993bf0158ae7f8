package vercel_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
)

func TestDeploymentSeesTheEnvironmentOfItsCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		p := b.project("acme")
		b.call("POST", "/v10/projects/acme/domains"+team, doc{"name": host}, 200)
		set := func(value string) {
			b.call("POST", "/v10/projects/acme/env"+team+"&upsert=true", []doc{{"key": "A", "value": value, "type": "plain", "target": []string{"production"}}}, 201)
		}
		set("before")
		b.deploy(p)
		set("after")
		if _, live := b.sim.Serve(host); live {
			t.Error("live at once")
		}
		time.Sleep(90 * time.Second)
		site, live := b.sim.Serve(host)
		if !live || site.Environment["A"] != "before" {
			t.Errorf("live %v, sees %v", live, site.Environment)
		}
		if content, found := site.File("index.html"); !found || string(content) != "hello" {
			t.Errorf("serves %q", content)
		}
		b.deploy(p)
		time.Sleep(90 * time.Second)
		if site, _ := b.sim.Serve(host); site.Environment["A"] != "after" {
			t.Errorf("the newer deployment isn't served: %v", site.Environment)
		}
	})
}

func TestIdenticalDeploymentIsReturnedUnlessForced(t *testing.T) {
	b := newBench(t, sim.Options{})
	p := b.project("acme")
	first := b.deploy(p)
	again := b.call("POST", "/v13/deployments"+team, doc{
		"name": "x", "project": p, "target": "production", "projectSettings": doc{}, "files": []doc{{"file": "index.html", "data": "hello"}},
	}, 200)
	if again["id"] != first {
		t.Error("made another")
	}
	if b.deploy(p) == first {
		t.Error("forced, and made none")
	}
}

func TestCertificateFollowsTheDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, sim.Options{Seed: 3})
		b.project("acme")
		if _, known := b.sim.Certificate(host); known {
			t.Error("known before")
		}
		b.call("POST", "/v10/projects/acme/domains"+team, doc{"name": host}, 200)
		issued := func() bool {
			c, known := b.sim.Certificate(host)
			if !known {
				t.Fatal("unknown")
			}
			return c.Issued
		}
		time.Sleep(time.Hour)
		if issued() {
			t.Fatal("issued without DNS")
		}
		b.names.set("cname.vercel-dns.com", true)
		b.sim.CheckDNS() // what starts the wait, were it right
		time.Sleep(time.Hour)
		if issued() {
			t.Fatal("issued behind a proxy")
		}
		b.names.set("cname.vercel-dns.com", false)
		b.sim.CheckDNS()
		start := time.Now()
		for !issued() {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(start); took < 5*time.Second || took > 61*time.Second {
			t.Errorf("took %v", took)
		}
		b.names.set("cname.vercel-dns.com", true)
		time.Sleep(time.Hour)
		if !issued() {
			t.Error("lost when proxied afterwards")
		}
		config := b.call("GET", "/v6/domains/"+host+"/config"+team, nil, 200)
		if config["misconfigured"] != false || config["configuredBy"] != "http" {
			t.Errorf("proxied with certificate: %v", config)
		}
		b.call("DELETE", "/v9/projects/acme/domains/"+host+team, nil, 200)
		b.call("POST", "/v10/projects/acme/domains"+team, doc{"name": host}, 200)
		if issued() {
			t.Error("a domain that was added anew has its old certificate")
		}
	})
}

func TestDeletingAProjectTakesEverythingAlong(t *testing.T) {
	b := newBench(t, sim.Options{})
	p, other := b.project("acme"), b.project("other")
	b.call("POST", "/v10/projects/acme/domains"+team, doc{"name": host}, 200)
	b.deploy(p)
	b.deploy(other)
	b.call("DELETE", "/v9/projects/"+p+team, nil, 204)
	kinds := []string{}
	for _, held := range b.sim.Inventory() {
		kinds = append(kinds, held.Kind)
	}
	if !slices.Equal(kinds, []string{"vercel_deployment", "vercel_project"}) {
		t.Errorf("left %v", kinds)
	}
	b.call("POST", "/v10/projects/other/domains"+team, doc{"name": host}, 200)
}

func TestInventory(t *testing.T) {
	b := newBench(t, sim.Options{Lag: time.Hour}) // what lists don't show is held all the same
	p := b.project("acme")
	b.call("POST", "/v10/projects/"+p+"/domains"+team, doc{"name": host}, 200)
	d := b.deploy(p)
	want := []sim.Held{
		{Kind: "vercel_deployment", Name: "op", ID: d, Status: "QUEUED"},
		{Kind: "vercel_domain", Name: host, ID: p + ":" + host, Status: "without certificate"},
		{Kind: "vercel_project", Name: "acme", ID: p, Mark: "i-1"},
	}
	if diff := cmp.Diff(want, b.sim.Inventory()); diff != "" {
		t.Error(diff)
	}
}

func TestListsLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, sim.Options{Lag: 30 * time.Second})
		p := b.project("acme")
		b.call("POST", "/v10/projects/"+p+"/domains"+team, doc{"name": host}, 200)
		d := b.deploy(p)
		listed := func() int {
			return len(b.call("GET", "/v7/deployments"+team+"&projectId="+p+"&meta-operationId=op", nil, 200)["deployments"].([]any))
		}
		b.call("GET", "/v9/projects/acme"+team, nil, 404)
		b.call("GET", "/v9/projects/"+p+team, nil, 200)
		b.call("GET", "/v13/deployments/"+d+team, nil, 200)
		b.call("GET", "/v9/projects/"+p+"/domains/"+host+team, nil, 404)
		if n := listed(); n != 0 {
			t.Errorf("%d listed at once", n)
		}
		time.Sleep(30 * time.Second)
		b.call("GET", "/v9/projects/acme"+team, nil, 200)
		b.call("GET", "/v9/projects/"+p+"/domains/"+host+team, nil, 200)
		if n := listed(); n != 1 {
			t.Errorf("%d listed afterwards", n)
		}
	})
}

func TestStateSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, sim.Options{})
		p := b.project("acme")
		b.call("POST", "/v10/projects/acme/domains"+team, doc{"name": host}, 200)
		b.deploy(p)
		saved, err := b.sim.Save()
		if err != nil {
			t.Fatal(err)
		}
		again := newBench(t, sim.Options{})
		if err := again.sim.Load(saved); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b.sim.Inventory(), again.sim.Inventory()); diff != "" {
			t.Error(diff)
		}
		time.Sleep(2 * time.Minute)
		if site, live := again.sim.Serve(host); !live || site.Project != p {
			t.Errorf("not served after a restart: %+v", site)
		}
		if err := again.sim.Load([]byte("{")); err == nil {
			t.Error("took nonsense for a state")
		}
		if len(again.sim.Inventory()) != 3 {
			t.Error("nonsense replaced the state")
		}
	})
}

// TestSeedDecides also calls in another order, as parallel branches do: ids and latencies stay.
func TestSeedDecides(t *testing.T) {
	run := func(seed uint64, order ...string) map[string]string {
		b := newBench(t, sim.Options{Seed: seed})
		ids := map[string]string{}
		for _, name := range order {
			ids[name] = b.project(name)
			ids[name+" deployment"] = b.deploy(ids[name])
		}
		return ids
	}
	one, other, third := run(1, "a", "b"), run(1, "b", "a"), run(2, "a", "b")
	if diff := cmp.Diff(one, other); diff != "" {
		t.Error(diff)
	}
	if one["a"] == third["a"] || one["a"] == one["b"] {
		t.Errorf("ids collide: %v, %v", one, third)
	}
	if len(one["a"]) != len("prj_")+28 || len(one["a deployment"]) != len("dpl_")+28 {
		t.Errorf("no ids of Vercel's: %v", one)
	}
}

func TestConcurrentCreatesOfOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, sim.Options{Answer: time.Second})
		var all sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for range 20 {
			all.Go(func() {
				req := httptest.NewRequest("POST", "/v11/projects"+team, strings.NewReader(`{"name":"acme"}`))
				req.Header.Set("Authorization", "Bearer t")
				w := httptest.NewRecorder()
				b.sim.ServeHTTP(w, req)
				mu.Lock()
				defer mu.Unlock()
				statuses[w.Code]++
			})
		}
		all.Wait()
		if statuses[200] != 1 || statuses[409] != 19 {
			t.Errorf("got %v", statuses)
		}
	})
}

// TestDNSIsLookedAtWhenItChanges: while the DNS has the same serial, no domain is looked up again, but one that is added is.
func TestDNSIsLookedAtWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serial, n := int64(0), &counted{}
		s := vercel.New(sim.Options{Seed: 3}, vercel.Config{Token: "t", Team: "team_1", Resolver: n, Serial: func() int64 { return serial }})
		b := &bench{t, s, &n.names}
		b.project("acme")
		b.call("POST", "/v10/projects/acme/domains"+team, doc{"name": host}, 200)
		added := n.lookups
		b.call("GET", "/v9/projects/acme"+team, nil, 200)
		s.CheckDNS()
		if added == 0 || n.lookups != added {
			t.Errorf("%d look-ups when it was added, %d after", added, n.lookups)
		}
		b.names.set("cname.vercel-dns.com", false)
		serial++
		s.CheckDNS()
		time.Sleep(time.Hour)
		if c, known := s.Certificate(host); !known || !c.Issued {
			t.Error("a change of the DNS was not seen")
		}
	})
}

// counted counts look-ups.
type counted struct {
	names
	lookups int
}

func (c *counted) LookupCNAME(name string) (string, bool, bool) {
	c.lookups++
	return c.names.LookupCNAME(name)
}
